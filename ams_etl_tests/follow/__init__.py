"""The follower, as a process, with the sandbox and without Dagster."""
