"""What happened to a mail after it was handed over: provider events, returned mail, figures."""
