"""Names of people and firms: their parts, their marks, their spelling (N1 to N12)."""
