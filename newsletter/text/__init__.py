"""Text as such: characters and their width, Markdown, search terms, web addresses."""
