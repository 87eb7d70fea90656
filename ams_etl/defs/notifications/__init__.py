"""Start runs for the customers that notifications name."""
