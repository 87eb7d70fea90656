-- Stage: what lies between raw and mart. Nothing here is for consumers.

-- One row a customer: when it was derived, and the day on which it changes by itself.
create table stage.customers (
    agency text not null,
    customer_id text not null,
    derived_on date not null,
    review_on date,
    primary key (agency, customer_id)
);
create index on stage.customers (agency, review_on);

-- Customers to derive again; written in the transaction that changed their source, so no crash forgets one.
create table stage.dirty_customers (
    agency text not null,
    customer_id text not null,
    since timestamptz not null default now(),
    primary key (agency, customer_id)
);

create table stage.candidates (
    agency text not null,
    candidate_id uuid not null,
    contact_id uuid,
    customer_id text not null,
    system text not null,
    entity text not null,
    entity_id text not null,
    document jsonb not null,
    content_hash bytea not null,
    first_seen_at timestamptz not null,
    primary key (agency, candidate_id)
);
create index on stage.candidates (agency, customer_id);
create index on stage.candidates (agency, contact_id);
comment on column stage.candidates.contact_id is 'the contact this candidate was last planned into; null before';

create table stage.candidate_emails (
    agency text not null,
    email text not null,
    candidate_id uuid not null,
    primary key (agency, email, candidate_id),
    foreign key (agency, candidate_id) references stage.candidates on delete cascade
);
create index on stage.candidate_emails (agency, candidate_id);
comment on table stage.candidate_emails is 'M1: the edges over which candidates become one contact';

create table stage.skips (
    agency text not null,
    customer_id text not null,
    system text not null,
    entity text not null,
    entity_id text not null,
    reason text not null,
    rule text not null,
    detail text,
    primary key (agency, customer_id, entity, entity_id)
);

-- What the next plan must look at: candidates, contacts and customers whose inputs changed since the last publish.
create table stage.touched (
    agency text not null,
    kind text not null check (kind in ('candidate', 'contact', 'customer')),
    id text not null,
    planned boolean not null default false,
    primary key (agency, kind, id)
);

-- The documents that mart.* was published from: one a contact, with its satellite rows inside.
create table stage.contacts (
    agency text not null,
    contact_id uuid not null,
    document jsonb not null,
    content_hash bytea not null,
    primary key (agency, contact_id)
);

-- The plan: the difference between what should be and what is published.
create table stage.plans (
    agency text not null,
    plan_id uuid not null,
    version bigint not null,
    today date not null,
    made_at timestamptz not null default now(),
    counts jsonb not null,
    stopped_by text,
    primary key (agency)
);
create table stage.planned_contacts (
    agency text not null,
    contact_id uuid not null,
    op text not null check (op in ('insert', 'update', 'delete')),
    document jsonb,
    content_hash bytea,
    primary key (agency, contact_id)
);
create table stage.planned_members (
    agency text not null,
    candidate_id uuid not null,
    contact_id uuid,
    primary key (agency, candidate_id)
);
create table stage.planned_skips (
    agency text not null,
    op text not null check (op in ('insert', 'update', 'delete')),
    system text not null,
    entity text not null,
    entity_id text not null,
    customer_id text not null,
    reason text,
    rule text,
    detail text,
    primary key (agency, system, entity, entity_id)
);

-- One row an agency: what the stage was derived with, and a version that moves whenever the stage does.
create table stage.engine (
    agency text not null primary key,
    version bigint not null default 0,
    fingerprint text
);
comment on column stage.engine.fingerprint is 'hash of the settings and of the rules'' own text';
