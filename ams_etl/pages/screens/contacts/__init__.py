"""Contacts: the list, one contact with everything that is known of it, and whether anybody may write to it."""
