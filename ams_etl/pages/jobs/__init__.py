"""Work that takes longer than a page: a command in a process of its own, with its progress in Postgres."""
