"""Sandbox of AMS360: its contract, its generated agency, its operations and the rules they keep."""
