"""One HTTP client for every system: connections kept open, time limits, a proxy where the environment names one."""
