"""Forget a person: find all that is stored, erase it, keep it from coming back, and prove it.

Here belongs what finds and erases a person. Not here: how tombstones are compared (`store.privacy`).
"""
