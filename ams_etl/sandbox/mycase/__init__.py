"""A stand-in MyCase Open API, version 1."""
