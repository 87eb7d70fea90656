"""Lists that Postgres pages, sorts and filters, as HTML and as CSV."""
