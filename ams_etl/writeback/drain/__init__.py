"""Plan and deliver everything that is due for one agency and one system."""
