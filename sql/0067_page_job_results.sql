-- What a page's job found, as data: the page shows it as tables instead of what the command printed.

alter table ops.page_jobs add column result jsonb;
comment on column ops.page_jobs.result is
    'What the command printed as JSON, for commands whose page shows tables (preview); it holds personal data. Else null.';
