"""What people decided about being written to: answers per channel and address, and contacts that a person suppressed."""
