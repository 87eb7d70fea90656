"""A sandbox of MyCase Open API, version 1."""
