"""How fast changes come, what brings them, and whether all of them do."""
