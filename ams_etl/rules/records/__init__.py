"""AMS360's records as the rules take them, and the first questions asked of them: which value, which record type."""
