"""The ground that every source speaking JSON over HTTP stands on: calls, authorisation, pages, records.

Here belongs what two of them share. Not here: what one system's paths and members are called.
"""
