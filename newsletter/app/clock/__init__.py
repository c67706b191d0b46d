"""One pass over the timetable, the duties it carries out, and where the newsletter stands."""
