"""Measure how fast changes arrive, what triggers each of them, and which were never announced."""
