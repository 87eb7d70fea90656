"""Batches of notified customers, changes that AMS360 never announced, and how fresh the mart is."""
