"""Read each system into raw tables."""
