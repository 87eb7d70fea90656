"""The outbox: one row per write, delivered in order within its lane."""
