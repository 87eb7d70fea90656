"""Platform events as they are accepted: their schema, and how they are stored."""
