-- What follows from what was done: when each agency's regular work was done last, and when it is due next.
create table ops.due_work (
    agency text not null,
    kind text not null,
    last_done_at timestamptz,
    due_at timestamptz not null,
    next_due_at timestamptz not null,
    constraint due_work_pkey primary key (agency, kind),
    constraint due_work_kind_check check (kind in ('weekly_resync', 'daily_sweep', 'benefitpoint'))
);
comment on table ops.due_work is
    'Regular work of each agency. What is due and was not done, because nothing ran during its window, is made up for as soon as '
    'the daemon runs again.';
comment on column ops.due_work.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.due_work.kind is 'weekly_resync, daily_sweep or benefitpoint.';
comment on column ops.due_work.last_done_at is 'When the latest one that succeeded began; null: never.';
comment on column ops.due_work.due_at is 'The latest moment at which it was due; it was missed if last_done_at is earlier.';
comment on column ops.due_work.next_due_at is 'When it is due next.';
