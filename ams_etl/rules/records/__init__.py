"""AMS360's records as the rules read them, the best available value of a field, and the record type."""
