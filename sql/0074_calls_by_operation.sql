-- A sync also remembers its calls by operation, for the sync log.
comment on column ops.sync_runs.counts is
    'What the sync did: customers_read, calls, calls_by_operation, quarantined, seconds, unlisted, and the counts of the publish.';
