-- Writeback: what the platform tells us, and what comes of it in the systems of record.

-- Events as they came. A row that a person inserts counts as well as one from the HTTP door.
create table ops.events (
    agency text not null,
    event_id uuid not null default gen_random_uuid(),
    seq bigint generated always as identity,
    idempotency_key text not null default gen_random_uuid()::text,
    kind text not null,
    payload jsonb not null,
    received_at timestamptz not null default now(),
    state text not null default 'received' check (state in ('received', 'waiting', 'planned', 'done', 'refused')),
    look_again_at timestamptz not null default now(),
    looked integer not null default 0,
    error text,
    primary key (agency, event_id),
    unique (agency, idempotency_key)
);
create index on ops.events (agency, look_again_at, seq) where state in ('received', 'waiting');
create index on ops.events (agency, received_at);
comment on column ops.events.state is
    'received: not looked at yet; waiting: names a contact or ticket that is not known yet; planned: its writebacks are in '
    'the outbox; done: it needed none; refused: it cannot be understood, error says why';

-- Files of an event, apart from it: a claim of a thousand rows must not read a thousand files.
create table ops.event_attachments (
    agency text not null,
    event_id uuid not null,
    attachment_no integer not null,
    file_name text not null,
    content_type text not null,
    content bytea not null,
    primary key (agency, event_id, attachment_no),
    foreign key (agency, event_id) references ops.events on delete cascade
);

-- The outbox: one row a write. Rows of one lane are delivered one after the other, by position.
create table ops.writebacks (
    agency text not null,
    writeback_id uuid not null default gen_random_uuid(),
    system text not null default 'ams360',
    position bigint generated always as identity,
    event_id uuid,
    kind text not null,
    operation text not null,
    lane text not null,
    customer_id text,
    depends_on uuid,
    request jsonb not null,
    status text not null default 'waiting' check (status in
        ('waiting', 'pending', 'claimed', 'delivering', 'delivered', 'failed', 'uncertain')),
    check_first boolean not null default false,
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    claimed_by text,
    claim_expires_at timestamptz,
    target_id text,
    note text,
    error text,
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    primary key (agency, writeback_id)
);
comment on column ops.writebacks.lane is 'the customer, or the contact that is not a customer yet: what must stay in order';
comment on column ops.writebacks.status is
    'waiting: an earlier one of its lane is open; pending: next of its lane; claimed: a deliverer has it, nothing was sent; '
    'delivering: it may have been sent; uncertain: a person decides (W9)';
comment on column ops.writebacks.check_first is 'W9: a reply was lost; look the record up before sending anything';

-- The claim reads this and nothing else, however many rows wait behind the heads of their lanes.
create index writebacks_ready on ops.writebacks (agency, system, not_before, position) where status = 'pending';
-- No two of one lane at once, by construction.
create unique index writebacks_head on ops.writebacks (agency, system, lane)
    where status in ('pending', 'claimed', 'delivering');
create index writebacks_next on ops.writebacks (agency, system, lane, position) where status = 'waiting';
create index writebacks_claims on ops.writebacks (agency, system, claim_expires_at) where status in ('claimed', 'delivering');
create index writebacks_parked on ops.writebacks (agency, system, status, position) where status in ('failed', 'uncertain');
create index on ops.writebacks (agency, event_id);
create index on ops.writebacks (agency, depends_on) where depends_on is not null;
create index on ops.writebacks (agency, created_at);

-- Contacts that events created, by whatever names them, until (and after) AMS360 has them as a customer.
create table ops.writeback_contacts (
    agency text not null,
    system text not null default 'ams360',
    contact_key text not null,
    lane text not null,
    customer_id text,
    created_at timestamptz not null default now(),
    primary key (agency, system, contact_key)
);
create index on ops.writeback_contacts (agency, system, lane);

-- Tickets and deals, by the platform's id: which write made their suspense or policy shell.
create table ops.writeback_targets (
    agency text not null,
    system text not null default 'ams360',
    subject text not null check (subject in ('ticket', 'deal')),
    subject_id text not null,
    writeback_id uuid not null,
    primary key (agency, system, subject, subject_id)
);

create view ops.writeback_health as
select agency, system, kind, status, count(*) as writebacks, min(created_at) as oldest, max(settled_at) as last_settled,
    max(attempts) as most_attempts
from ops.writebacks group by agency, system, kind, status;
