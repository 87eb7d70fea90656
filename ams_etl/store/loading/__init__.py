"""Long loads: rows by COPY, Postgres beside computing, and telling it how large the tables have become."""
