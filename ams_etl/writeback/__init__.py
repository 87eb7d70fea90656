"""The write side's use cases: an event to writebacks, each delivered once. Nothing is here yet."""
