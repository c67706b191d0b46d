"""One pass over the timetable, the duties behind it, and where the newsletter stands."""
