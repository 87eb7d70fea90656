"""The files under `deploy/`, checked as far as a machine without a cluster allows."""
