-- Who read personal data through our own ways: how often per person and day, and nothing of what they read.

create table ops.accesses (
    agency text not null,
    day date not null,
    person text not null,
    way text not null,
    what text not null,
    reads bigint not null,
    records bigint not null,
    last_at timestamptz not null,
    constraint accesses_pkey primary key (agency, day, person, way, what),
    constraint accesses_way_check check (way in ('page', 'export', 'command', 'frames', 'feed'))
);
comment on table ops.accesses is
    'The access log: who read personal data, counted per person and day (UTC), without content. `ams-etl access-log` shows it; '
    'retention.accesses_days deletes it. Plain SQL and exports of Postgres itself are not in it.';
comment on column ops.accesses.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.accesses.day is 'The day, in UTC.';
comment on column ops.accesses.person is
    'Who: the user of the page, or the operating system''s user of a command or notebook, with its Postgres role where it is limited.';
comment on column ops.accesses.way is 'page, export (CSV from the page), command (`ams-etl`), frames (pandas) or feed (the change feed).';
comment on column ops.accesses.what is 'Which screen, command or table, such as /contacts, why or mart.contacts; never whose record.';
comment on column ops.accesses.reads is 'How many times.';
comment on column ops.accesses.records is 'How many rows were shown or given out, over all these times.';
comment on column ops.accesses.last_at is 'The last time on that day.';

-- Readers may not write in ops, and must not write under another's name: their role is part of it.
create function ops.count_access(wanted_agency text, reader text, wanted_way text, wanted_what text, shown bigint) returns void
language sql security definer set search_path = pg_catalog as $$
    insert into ops.accesses as known (agency, day, person, way, what, reads, records, last_at)
    select wanted_agency, (now() at time zone 'UTC')::date,
        left(reader, 200) || case when session_user = current_user then '' else ' as ' || session_user end,
        wanted_way, left(wanted_what, 200), 1, greatest(shown, 0), clock_timestamp()
    where session_user = current_user or (select ops.readable_agencies(session_user)) is null
        or wanted_agency = any ((select ops.readable_agencies(session_user))::text[])
    on conflict on constraint accesses_pkey do update set reads = known.reads + 1, records = known.records + excluded.records,
        last_at = excluded.last_at
$$;
comment on function ops.count_access is
    'Counts one reading of personal data in ops.accesses. Runs with its owner''s rights, so that readers of mart are counted, too; '
    'what they call themselves is kept beside their role.';
