"""Past issues on the web, and their corrections."""
