"""Whether an issue may go out, how it is approved, and the test mail that shows it."""
