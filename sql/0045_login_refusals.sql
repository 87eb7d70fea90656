-- Systems lock a login after some wrong passwords. One refused login stops an agency's calls for a day, in every process.

create table ops.login_refusals (
    agency text not null,
    system text not null,
    fingerprint text not null,
    refused_at timestamptz not null default now(),
    constraint login_refusals_pkey primary key (agency, system)
);

comment on table ops.login_refusals is
    'Logins that a system refused: not tried again with the same secret for a day, because systems lock logins. '
    '`ams-etl doctor AGENCY --retry-login` clears a row.';
comment on column ops.login_refusals.agency is 'Id of the agency in agencies.yaml.';
comment on column ops.login_refusals.system is 'Which system refused: ams360, benefitpoint or qq_catalyst.';
comment on column ops.login_refusals.fingerprint is
    'Salted scrypt hash of the secret that was refused; another secret is tried at once.';
comment on column ops.login_refusals.refused_at is 'When it was refused last.';
