"""Where each record type is stored, which records are quarantined, and the names behind codes."""
