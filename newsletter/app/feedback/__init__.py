"""What became of a mail: provider events, bounces, figures."""
