"""A new newsletter, the demo, moving the database, and the rehearsal of a send."""
