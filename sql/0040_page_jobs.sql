-- Work that the integration page starts and shows: a sync, a plan, a test of the connection, a preview.

create table ops.page_jobs (
    agency text not null,
    job_id uuid not null default gen_random_uuid(),
    kind text not null,
    arguments text[] not null default '{}',
    requested_by text not null,
    state text not null default 'waiting',
    created_at timestamptz not null default now(),
    started_at timestamptz,
    seen_at timestamptz,
    finished_at timestamptz,
    output text not null default '',
    constraint page_jobs_pkey primary key (agency, job_id),
    constraint page_jobs_state_check check (state in ('waiting', 'running', 'done', 'failed'))
);
create unique index page_jobs_open on ops.page_jobs (agency, kind) where state in ('waiting', 'running');
create index page_jobs_by_created_at on ops.page_jobs (agency, created_at);
comment on table ops.page_jobs is
    'Commands that the integration page runs in a process of their own; finished ones are deleted after seven days.';
comment on column ops.page_jobs.agency is 'The agency id, as agencies.yaml has it.';
comment on column ops.page_jobs.job_id is 'Names the job in its page''s address.';
comment on column ops.page_jobs.kind is 'Which command: sync, test_connection, apply_plan and so on; one of a kind at a time.';
comment on column ops.page_jobs.arguments is 'What the command takes after the agency: a plan id, customer ids, settings to try.';
comment on column ops.page_jobs.requested_by is 'The person who asked for it, as in ops.page_users.';
comment on column ops.page_jobs.state is 'waiting, running, done, or failed: the command ended with an error, or its process is gone.';
comment on column ops.page_jobs.created_at is 'When it was asked for.';
comment on column ops.page_jobs.started_at is 'When its process started.';
comment on column ops.page_jobs.seen_at is 'When its process was last known to run; a minute without that means that it is gone.';
comment on column ops.page_jobs.finished_at is 'When its process ended.';
comment on column ops.page_jobs.output is 'The end of what the command printed; a preview''s holds personal data.';
