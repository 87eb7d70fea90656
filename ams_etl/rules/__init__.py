"""What the documents say: one file a chapter of the rule catalogue, frozen dataclasses and pure functions.

Here belong decisions about records. Not here: Dagster, pandas, SQL, SOAP, the clock, files. Today's date is an
argument; bad data returns findings (`Skip`), never an exception. A rule's docstring begins with its id.
"""
