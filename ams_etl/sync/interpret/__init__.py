"""Raw records to what the rules take: one file per system, and the registry of them."""
