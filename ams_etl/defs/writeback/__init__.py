"""What goes back to AMS360: the outbox, its health, and what starts it."""
