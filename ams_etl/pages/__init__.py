"""The integration page: server-rendered HTML for an agency's people, in a process of its own.

What is here: signing in (`people/`), lists (`lists/`), work that takes longer than a page (`jobs/`), and the screens. No
rule is here: a screen calls the use cases of `sync/` and `writeback/` that the command line calls.
"""
