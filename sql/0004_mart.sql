-- Mart: what consumers read. Written only by the publish step, in one transaction with mart.changes.
create table mart.contacts (
    agency text not null,
    contact_id uuid not null,
    record_type text not null check (record_type in ('personal', 'commercial', 'both')),
    status text not null check (status in ('client', 'prospect', 'inactive')),
    first_name text,
    last_name text,
    nickname text,
    company_name text,
    email text,
    phone text,
    address1 text,
    address2 text,
    city text,
    state text,
    postal_code text,
    country text,
    birthday date,
    owner_user_id text,
    owner_role text,
    suppressed_reason text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (agency, contact_id),
    unique (contact_id)
);
create table mart.contact_emails (
    agency text not null,
    contact_id uuid not null,
    email text not null,
    is_primary boolean not null,
    primary key (agency, contact_id, email)
);
create index on mart.contact_emails (agency, email);
create table mart.contact_phones (
    agency text not null,
    contact_id uuid not null,
    phone text not null,
    kind text not null,
    extension text,
    is_primary boolean not null,
    primary key (agency, contact_id, phone, kind)
);
create table mart.contact_sources (
    agency text not null,
    contact_id uuid not null,
    system text not null,
    entity text not null,
    entity_id text not null,
    customer_id text not null,
    role text not null check (role in ('primary', 'contact', 'second_insured')),
    primary key (agency, system, entity, entity_id)
);
create index on mart.contact_sources (agency, contact_id);
create index on mart.contact_sources (agency, customer_id);
create table mart.contact_tags (
    agency text not null,
    contact_id uuid not null,
    tag text not null,
    category text not null,
    primary key (agency, contact_id, tag, category)
);
create index on mart.contact_tags (agency, tag);
create table mart.key_facts (
    agency text not null,
    contact_id uuid not null,
    kind text not null check (kind in ('birthday', 'renewal')),
    fact_date date,
    label text not null,
    policy_id text,
    is_continuous boolean not null,
    unique nulls not distinct (agency, contact_id, kind, policy_id, fact_date, label)
);
create table mart.connections (
    agency text not null,
    contact_id uuid not null,
    connection_type text not null,
    employee_code text not null,
    employee_name text,
    user_id text,
    primary key (agency, contact_id, connection_type, employee_code)
);
create index on mart.connections (agency, connection_type, employee_code);
create table mart.skipped_contacts (
    agency text not null,
    system text not null,
    entity text not null,
    entity_id text not null,
    customer_id text not null,
    reason text not null,
    rule text not null,
    detail text,
    primary key (agency, system, entity, entity_id)
);
create index on mart.skipped_contacts (agency, customer_id);

create table mart.changes (
    agency text not null,
    seq bigint generated always as identity,
    entity text not null,
    entity_id text not null,
    op text not null check (op in ('insert', 'update', 'delete')),
    before jsonb,
    after jsonb,
    run_id text,
    at timestamptz not null default now(),
    primary key (agency, seq)
);
comment on table mart.changes is
    'The change feed: follow it by seq. before and after are the whole contact with its satellite rows.';

-- Mappings and overrides may be edited by SQL: a trigger marks the contacts that hang on them.
create function stage.touch_mapped_contacts() returns trigger language plpgsql as $$
begin
    insert into stage.touched (agency, kind, id)
    select c.agency, 'contact', c.contact_id::text from mart.connections c
    where (tg_op <> 'DELETE' and (c.agency, c.connection_type, c.employee_code) = (new.agency, new.connection_type, new.employee_code))
       or (tg_op <> 'INSERT' and (c.agency, c.connection_type, c.employee_code) = (old.agency, old.connection_type, old.employee_code))
    on conflict (agency, kind, id) do update set planned = false;
    return null;
end $$;
create trigger touch_contacts after insert or update or delete on ops.user_mappings
    for each row execute function stage.touch_mapped_contacts();

create function stage.touch_renamed_contact() returns trigger language plpgsql as $$
begin
    insert into stage.touched (agency, kind, id)
    select distinct x.agency, 'candidate', x.contact_id::text
    from (select case when tg_op = 'DELETE' then old.agency else new.agency end as agency,
                 case when tg_op = 'DELETE' then old.contact_id else new.contact_id end as contact_id) x
    on conflict (agency, kind, id) do update set planned = false;
    return null;
end $$;
create trigger touch_contact after insert or update or delete on ops.name_overrides
    for each row execute function stage.touch_renamed_contact();

create function mart.sender_for(contact uuid, wanted_connection_type text) returns text
language sql stable as $$
    -- X2: the contact's mapped connection of that type, else its owner.
    select coalesce(
        (select user_id from mart.connections
         where contact_id = contact and lower(connection_type) = lower(wanted_connection_type) and user_id is not null
         order by employee_code limit 1),
        (select owner_user_id from mart.contacts where contact_id = contact));
$$;
