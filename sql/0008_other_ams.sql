-- HawkSoft, QQ Catalyst and MyCase: raw records of the shape of 0001, where each sync goes on, granted tokens, and
-- connections that have a rank.
create schema raw_hawksoft;
create schema raw_qq_catalyst;
create schema raw_mycase;
create schema hawksoft;
create schema qq_catalyst;
create schema mycase;

do $$
declare
    entity text;
begin
    foreach entity in array array[
        'raw_hawksoft.clients', 'raw_hawksoft.offices',
        'raw_qq_catalyst.contacts', 'raw_qq_catalyst.account_infos', 'raw_qq_catalyst.policies',
        'raw_mycase.clients', 'raw_mycase.companies', 'raw_mycase.cases', 'raw_mycase.staff'
    ] loop
        execute format($table$
            create table %1$s (
                agency text not null,
                entity_id text not null,
                customer_id text,
                payload jsonb not null,
                content_hash bytea not null,
                first_seen_at timestamptz not null,
                last_seen_at timestamptz not null,
                deleted_at timestamptz,
                primary key (agency, entity_id)
            )$table$, entity);
    end loop;
end $$;
create index on raw_qq_catalyst.policies (agency, customer_id);

comment on table raw_hawksoft.clients is 'Client objects with people, contacts and policies, without SSN, licence and tax number';
comment on table raw_qq_catalyst.contacts is 'Contact rows of every sub-type; the rules take customers and prospects';
comment on table raw_qq_catalyst.account_infos is 'AccountInfo of customers and prospects, without the portal login';
comment on table raw_mycase.clients is 'customer_id is client:ID, for companies have ids of their own';
comment on table raw_mycase.cases is 'A case hangs on many clients: raw_mycase.customers_of(payload)';

-- The clients and companies that a case names, its billing contact among them where it says what it is.
create function raw_mycase.customers_of(payload jsonb) returns text[] language sql immutable parallel safe as $$
    select array(
        select 'client:' || (c ->> 'id') from jsonb_path_query(payload, '$.clients[*]') c
        union select 'company:' || (c ->> 'id') from jsonb_path_query(payload, '$.companies[*]') c
        union select case when lower(b ->> 'type') = 'company' then 'company:' else 'client:' end || (b ->> 'id')
        from jsonb_path_query(payload, '$.billing_contact') b where b ->> 'id' is not null and b ->> 'type' is not null)
$$;
create index on raw_mycase.cases using gin (raw_mycase.customers_of(payload));

-- Typed views for people: live records.
create view hawksoft.clients as
select agency, entity_id::integer as client_number, payload #>> '{details,companyName}' as company_name,
    payload #>> '{details,producer}' as producer, payload #>> '{details,csr}' as csr,
    payload #>> '{details,status}' as status, jsonb_array_length(payload -> 'people') as people,
    jsonb_array_length(payload -> 'policies') as policies, first_seen_at, last_seen_at
from raw_hawksoft.clients where deleted_at is null;

create view qq_catalyst.contacts as
select c.agency, c.entity_id::integer as contact_id, c.payload ->> 'CustomerNo' as customer_no,
    c.payload ->> 'ContactSubType' as contact_sub_type, c.payload ->> 'DisplayName' as display_name,
    c.payload ->> 'Email' as email, a.payload ->> 'AgentID' as agent_id, a.payload ->> 'Agent' as agent,
    a.payload ->> 'CsrID' as csr_id, a.payload ->> 'CSR' as csr, c.first_seen_at, c.last_seen_at
from raw_qq_catalyst.contacts c left join raw_qq_catalyst.account_infos a
    on (a.agency, a.entity_id) = (c.agency, c.entity_id) and a.deleted_at is null
where c.deleted_at is null;

create view mycase.attorneys as
select c.agency, c.entity_id::integer as case_id, c.payload ->> 'name' as case_name, c.payload ->> 'status' as status,
    (s ->> 'id')::integer as staff_id, coalesce((s ->> 'lead_lawyer')::boolean, false) as is_lead,
    coalesce((s ->> 'originating_lawyer')::boolean, false) as is_originating, (c.payload ->> 'updated_at')::timestamptz as updated_at
from raw_mycase.cases c cross join lateral jsonb_path_query(c.payload, '$.staff[*]') s where c.deleted_at is null;

-- Where a system that can say what changed is asked from next.
create table ops.source_cursors (
    agency text not null,
    system text not null,
    changed_since timestamptz not null,
    full_at timestamptz not null,
    primary key (agency, system)
);
comment on table ops.source_cursors is 'changed_since: the beginning of the last sync, less an overlap; full_at: of the last full one';

create table ops.oauth_tokens (
    agency text not null,
    system text not null,
    sealed bytea not null,
    updated_at timestamptz not null default now(),
    primary key (agency, system)
);
comment on table ops.oauth_tokens is 'Tokens that an agency granted, encrypted with the key that agencies.yaml names';

-- Several connections of one type: the lowest rank sends (a case's place, the most recently updated first), then the
-- lowest code, by number where codes are numbers. Rank 0 also owns.
alter table mart.connections add column rank integer default 0;

create or replace function mart.sender_for(contact uuid, wanted_connection_type text) returns text
language sql stable as $$
    -- X2: the contact's mapped connection of that type, whatever the system calls its types, else its owner.
    select coalesce(
        (select user_id from mart.connections
         where contact_id = contact and lower(connection_type) = lower(wanted_connection_type) and user_id is not null
         order by coalesce(rank, 0), length(employee_code), employee_code limit 1),
        (select owner_user_id from mart.contacts where contact_id = contact));
$$;
