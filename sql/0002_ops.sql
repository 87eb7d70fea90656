-- Operations: what runs did, what people decided, what was set aside.
create table ops.sync_runs (
    agency text not null,
    sync_id uuid not null,
    mode text not null check (mode in ('full', 'customers')),
    state text not null check (state in ('running', 'extracted', 'published', 'failed')),
    run_id text,
    started_at timestamptz not null default now(),
    extracted_at timestamptz,
    published_at timestamptz,
    sweep_complete boolean not null default false,
    counts jsonb not null default '{}',
    error text,
    primary key (agency, sync_id)
);
create index on ops.sync_runs (agency, started_at desc);

-- The work list of a full sync: a killed one goes on where it stopped.
create table ops.sync_prefixes (
    agency text not null,
    sync_id uuid not null,
    prefix text not null,
    row_count integer not null,
    primary key (agency, sync_id, prefix)
);
create table ops.sync_customers (
    agency text not null,
    sync_id uuid not null,
    customer_id text not null,
    read_at timestamptz,
    primary key (agency, sync_id, customer_id)
);
create index on ops.sync_customers (agency, sync_id) where read_at is null;

-- CustomerNumbers that have no customer behind them: asked for again only now and then.
create table ops.empty_customer_numbers (
    agency text not null,
    customer_number integer not null,
    asked_at timestamptz not null,
    primary key (agency, customer_number)
);

-- Records that could not be understood or read: raw keeps what it had, and the reason stands here until a later
-- sync reads the record well.
create table ops.quarantine (
    agency text not null,
    system text not null,
    entity text not null,
    entity_id text not null,
    customer_id text,
    reason text not null,
    detail text,
    sync_id uuid,
    at timestamptz not null default now(),
    primary key (agency, system, entity, entity_id)
);

create table ops.user_mappings (
    agency text not null,
    connection_type text not null,
    employee_code text not null,
    user_id text not null,
    user_name text,
    updated_at timestamptz not null default now(),
    primary key (agency, connection_type, employee_code)
);
comment on table ops.user_mappings is 'O1: AMS360 employee in a role -> platform user';

create table ops.name_overrides (
    agency text not null,
    contact_id uuid not null,
    first_name text,
    last_name text,
    nickname text,
    set_by text,
    updated_at timestamptz not null default now(),
    primary key (agency, contact_id)
);
comment on table ops.name_overrides is 'N12: a name changed in the platform; no sync overwrites it';

create table ops.policy_shells (
    agency text not null,
    policy_id text not null,
    created_at timestamptz not null default now(),
    primary key (agency, policy_id)
);
comment on table ops.policy_shells is 'W8: policies that we created empty; not in force until they carry premium or a line of business';
