"""The read side's use cases: sweep, extract, derive, plan, publish.

Here belongs the order of things between a remote system and `mart.*`: what is read, what that touches, what
differs, and how the difference is applied. Not here: rules about records (`rules`), SOAP (`sources`), how rows
reach Postgres fast (`store`), Dagster (`defs`).
"""
