"""A sandbox of QQ Catalyst API, version 1."""
