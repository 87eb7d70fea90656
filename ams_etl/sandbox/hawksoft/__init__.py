"""A sandbox of HawkSoft Partner API, version 3.0."""
