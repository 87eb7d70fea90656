"""Sandboxes of the remote systems, as strict as the real ones, each over its own wire protocol.

Nothing of the pipeline is imported here and nothing here is imported by the pipeline: they meet over HTTP alone.
`http.py`, `soap/` and `rest/` know no system; `ams360/`, `hawksoft/`, `qq_catalyst/` and `mycase/` are one each.
"""
