"""What the editor is told, in which words, and how it reaches them."""
