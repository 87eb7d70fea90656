-- `max_concurrency` holds for all processes of an agency together.

create table ops.call_slots (
    agency text not null,
    system text not null,
    holder uuid not null,
    held integer not null,
    wanted integer not null,
    turn_since timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    constraint call_slots_pkey primary key (agency, system, holder)
) with (fillfactor = 50);

comment on table ops.call_slots is
    'How the processes that call a system of an agency share `max_concurrency`: a row per open client, which renews it twice '
    'a second while it calls. The sum of `held` is never above the limit.';
comment on column ops.call_slots.agency is 'Id of the agency in agencies.yaml.';
comment on column ops.call_slots.system is 'The system that is called: ams360 or benefitpoint.';
comment on column ops.call_slots.holder is 'The open client: a new id each time one is opened.';
comment on column ops.call_slots.held is 'How many calls it may have in flight.';
comment on column ops.call_slots.wanted is 'How many calls it had in flight or waiting at most since the last renewal.';
comment on column ops.call_slots.turn_since is
    'Since when it may call, or may not. Where more clients call than `max_concurrency` allows, they take turns of a second.';
comment on column ops.call_slots.expires_at is 'After this its calls count no more: the process is gone, or cannot reach the database.';
