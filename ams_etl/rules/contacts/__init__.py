"""Contacts: which records become one, how they merge, their tags, key facts, owner and connections."""
