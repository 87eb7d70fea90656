"""What protects people: tombstones of those who were forgotten, and the log of who read personal data.

Here belongs what is stored for a person's sake alone. Not here: whether a person may be written to (`store.sending`).
"""
