"""Stand-in AMS360: its contract, its operations and the rules they keep. The wire itself is `wire/`."""
