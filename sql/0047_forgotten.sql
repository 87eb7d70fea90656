-- Who asked to be forgotten: keyed hashes only, so that the next sync does not bring them back and nobody can read who it was.

create table ops.forgotten (
    agency text not null,
    kind text not null,
    hash bytea not null,
    forgotten_at timestamptz not null default now(),
    constraint forgotten_pkey primary key (agency, kind, hash),
    constraint forgotten_kind_check check (kind in ('record', 'policies_of', 'email', 'phone'))
);

comment on table ops.forgotten is
    'Tombstones of people who were forgotten (`ams-etl forget`): what a source sends of them is stored without their data.';
comment on column ops.forgotten.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.forgotten.kind is
    'What was hashed: a source record''s table and id, a customer whose policies go too, an email address or a phone number that '
    'nobody else has.';
comment on column ops.forgotten.hash is 'HMAC-SHA256 of agency, kind and value with the key of AMS_ETL_FORGET_KEY.';
comment on column ops.forgotten.forgotten_at is 'When the person was forgotten.';
