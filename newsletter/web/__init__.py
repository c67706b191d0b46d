"""The program's web pages. ``preview`` is the editors' own, on their machine only."""
