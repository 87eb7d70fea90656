"""What is due follows from what was done: work whose window passed without a daemon is made up for."""
