"""What is deleted once it is old, in Dagster's tables and in ours, and how large the database is."""
