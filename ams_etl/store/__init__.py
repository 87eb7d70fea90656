"""Postgres: the embedded server, the connection, applying `sql/`, COPY and merge.

Here belongs how rows get into Postgres and out of it. Not here: which rows, or what they mean (`sync`, `rules`).
"""
