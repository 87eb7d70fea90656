"""Customers that people merged in AMS360 (M9): find them, and let the other one's contact keep what was said of theirs."""
