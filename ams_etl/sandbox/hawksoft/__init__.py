"""A stand-in HawkSoft Partner API, version 3.0."""
