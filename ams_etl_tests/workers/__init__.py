"""Runs on several machines: a real Redis, the real daemon, workers as processes."""
