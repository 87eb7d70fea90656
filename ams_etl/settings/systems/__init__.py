"""How each source system is reached: one block of agencies.yaml per module."""
