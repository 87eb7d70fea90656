"""A stand-in QQ Catalyst API, version 1."""
