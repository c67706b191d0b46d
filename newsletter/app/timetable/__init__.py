"""When an issue is sent, who has moved it, and until when it may be approved."""
