"""When an issue is sent, how a person moves it, and until when it can be approved."""
