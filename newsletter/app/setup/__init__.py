"""Init, the demo, the move to another database, and rehearsals of a send."""
