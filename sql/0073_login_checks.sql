-- Whether each login of an agency works, asked once a day, so that its technical contact hears of it before a sync fails.

create table ops.login_checks (
    agency text not null,
    system text not null,
    claimed_at timestamptz not null default now(),
    checked_at timestamptz,
    problem text,
    constraint login_checks_pkey primary key (agency, system)
);
comment on table ops.login_checks is
    'Whether a login works, as `ams-etl alerts watch` asks once a day and `ams-etl doctor` when somebody wants to know. An outage of '
    'the system says nothing about its login and changes nothing here.';
comment on column ops.login_checks.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.login_checks.system is 'Which system: ams360, benefitpoint, hawksoft, qq_catalyst or mycase.';
comment on column ops.login_checks.claimed_at is 'When a process last began to ask; of several, one asks.';
comment on column ops.login_checks.checked_at is 'When the system last answered; null before.';
comment on column ops.login_checks.problem is
    'What is wrong with the login, its secret or its rights, and what to do about it; null: it works.';
