"""The write side's use cases: an event to writebacks, each delivered once.

Holds events and their acceptance, the outbox and its delivery. Does not hold what is written because of an event:
that is `ams_etl.rules.writeback.writes*`.
"""
