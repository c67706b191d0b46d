"""Whether an issue may go, who says so, and the test mail that shows it."""
