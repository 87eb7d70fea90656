"""The steps of a plan: which candidates it evaluates, and what they become."""
