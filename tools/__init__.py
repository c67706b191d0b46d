"""What makes parts of the program out of data; not a part of it."""
