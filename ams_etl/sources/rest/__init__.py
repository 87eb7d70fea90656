"""What every source that speaks JSON over HTTP is built on: calls, authorisation, pages, records.

Here belongs what two of them share. Not here: what one system's paths and members are called.
"""
