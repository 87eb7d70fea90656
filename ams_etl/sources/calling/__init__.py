"""How every system is called: retries, pacing, counts, sign-in, probes, the event loop."""
