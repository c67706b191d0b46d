"""Plain text tools: characters and their width, Markdown, search terms, web addresses."""
