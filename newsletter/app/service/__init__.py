"""The service behind ``newsletter run``: it starts a ``newsletter tick`` whenever one is needed."""
