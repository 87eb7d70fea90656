"""From a stored event to the writes it asks for."""
