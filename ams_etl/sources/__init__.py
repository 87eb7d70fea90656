"""Typed reads and writes of one remote system each.

Here belongs how a system is asked and what its answers mean on the wire. Not here: what to ask for and when
(`sync`, `writeback`), or what a record means (`rules`).
"""
