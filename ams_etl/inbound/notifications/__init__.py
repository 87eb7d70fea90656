"""AMS360's notifications: stored as received, then classified and redacted."""
