"""What the processes that call one system of an agency share, in Postgres."""
