"""Deliver the outbox's writes, each once (W9)."""
