-- One writer per agency and subject, and nothing read earlier overwrites what was read later.
create table ops.leases (
    agency text not null,
    subject text not null,
    generation bigint not null default 1,
    holder text,
    acquired_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    constraint leases_pkey primary key (agency, subject),
    constraint leases_subject_check check (subject in ('full_read', 'benefitpoint_read', 'publish', 'writeback'))
);
comment on table ops.leases is
    'Who works on an agency. At most one holder per agency and subject: a lease whose holder stops renewing it expires and '
    'passes to the next one, and every transaction of the former holder is refused by its generation.';
comment on column ops.leases.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.leases.subject is
    'full_read: reading everything or the customer list; benefitpoint_read: reading BenefitPoint; publish: deriving, '
    'planning and publishing; writeback: delivering the outbox. Reading a few notified customers needs none.';
comment on column ops.leases.generation is 'Rises with every holder; a transaction of an earlier generation is refused.';
comment on column ops.leases.holder is 'The run or process that has it, for people; null when it is free.';
comment on column ops.leases.acquired_at is 'When this holder got it.';
comment on column ops.leases.heartbeat_at is 'When this holder last renewed it.';
comment on column ops.leases.expires_at is 'After this, another one may take it.';

alter table raw_ams360.customers add column read_at timestamptz;
alter table raw_ams360.customer_contacts add column read_at timestamptz;
alter table raw_ams360.customer_dependents add column read_at timestamptz;
alter table raw_ams360.policies add column read_at timestamptz;
comment on column raw_ams360.customers.read_at is
    'When reading its customer began, for the content that is stored; null: before this was recorded.';
select ops.copy_column_comments('raw_ams360.customers', 'raw_ams360.' || name)
from unnest(array['customer_contacts', 'customer_dependents', 'policies']) name;

create table ops.customer_reads (
    agency text not null,
    customer_id text not null,
    read_at timestamptz not null,
    constraint customer_reads_pkey primary key (agency, customer_id)
) with (fillfactor = 80);
comment on table ops.customer_reads is
    'When each AMS360 customer was last read. What a slower reader read before that is not stored. A row apart from raw, so '
    'that reading unchanged records costs one narrow update per customer.';
comment on column ops.customer_reads.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.customer_reads.customer_id is 'The AMS360 CustomerId.';
comment on column ops.customer_reads.read_at is 'When the latest stored reading of the customer began, by this database''s clock.';

create table ops.run_heartbeats (
    run_id text not null,
    host text not null,
    started_at timestamptz not null default clock_timestamp(),
    beat_at timestamptz not null default clock_timestamp(),
    constraint run_heartbeats_pkey primary key (run_id)
);
comment on table ops.run_heartbeats is
    'A sign of life of each Dagster run, every few seconds from its first step to its end, wherever it was started. A run '
    'whose heartbeat stops is dead: a sensor reports it as failed.';
comment on column ops.run_heartbeats.run_id is 'The id of the Dagster run.';
comment on column ops.run_heartbeats.host is 'The host that the run''s process is on.';
comment on column ops.run_heartbeats.started_at is 'When its process began its first step.';
comment on column ops.run_heartbeats.beat_at is 'The latest sign of life.';
create index run_heartbeats_by_beat_at on ops.run_heartbeats (beat_at);
