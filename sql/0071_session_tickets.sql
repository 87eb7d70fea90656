-- One login of AMS360 for all processes of an agency.

create table ops.session_tickets (
    agency text not null,
    system text not null,
    sealed bytea,
    obtained_at timestamptz,
    login_until timestamptz,
    constraint session_tickets_pkey primary key (agency, system)
);

comment on table ops.session_tickets is
    'The latest session ticket of each agency, for all its processes: how many sessions a login may have is not known, and '
    'each login costs a call. Encrypted with a key that is derived from the login''s password, which is not in the database.';
comment on column ops.session_tickets.agency is 'Id of the agency in agencies.yaml.';
comment on column ops.session_tickets.system is 'The system that granted it: ams360.';
comment on column ops.session_tickets.sealed is 'The ticket, encrypted; null: none was granted yet, or it was refused.';
comment on column ops.session_tickets.obtained_at is 'When it was granted. After ten minutes a process logs in itself.';
comment on column ops.session_tickets.login_until is
    'A process is logging in and the others wait for its ticket, until then at most; null: nobody is.';
