"""What a platform event writes to AMS360."""
