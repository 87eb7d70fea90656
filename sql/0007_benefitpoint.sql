-- BenefitPoint: its raw records, links between its accounts and AMS360's customers, and what comes of both.
create schema raw_benefitpoint;
create schema benefitpoint;

do $$
declare
    entity text;
begin
    foreach entity in array array[
        'accounts', 'contacts', 'plans', 'offices', 'users', 'carriers', 'product_types'
    ] loop
        execute format($table$
            create table raw_benefitpoint.%1$I (
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
        if entity in ('contacts', 'plans') then
            execute format('create index on raw_benefitpoint.%I (agency, customer_id)', entity);
        end if;
    end loop;
end $$;

comment on table raw_benefitpoint.accounts is 'Account records, without SSN and tax id; customer_id is the account''s own id';
comment on table raw_benefitpoint.contacts is 'AccountContact records; customer_id is the account';
comment on table raw_benefitpoint.plans is 'Product records, which BenefitPoint shows as plans; customer_id is the account';

-- Typed views for people: live records under BenefitPoint's own names.
create view benefitpoint.accounts as
select agency, entity_id::integer as account_id, payload ->> 'accountClassification' as account_classification,
    payload ->> 'accountType' as account_type, (payload ->> 'active')::boolean as active,
    coalesce(payload #>> '{groupAccountInfo,accountName}', payload #>> '{marketingGroupAccountInfo,marketingGroupName}',
        payload #>> '{agencyAccountInfo,agencyName}',
        concat_ws(' ', payload #>> '{individualAccountInfo,personInfo,firstName}',
            payload #>> '{individualAccountInfo,personInfo,lastName}')) as account_name,
    coalesce(payload #>> '{groupAccountInfo,accountIntegrationInfo,amsCustomerId}',
        payload #>> '{individualAccountInfo,accountIntegrationInfo,amsCustomerId}') as ams_customer_id,
    coalesce(payload #>> '{groupAccountInfo,accountIntegrationInfo,amsCustomerNumber}',
        payload #>> '{individualAccountInfo,accountIntegrationInfo,amsCustomerNumber}')::integer as ams_customer_number,
    (payload ->> 'officeID')::integer as office_id, (payload ->> 'departmentID')::integer as department_id,
    first_seen_at, last_seen_at
from raw_benefitpoint.accounts where deleted_at is null;

create view benefitpoint.contacts as
select agency, entity_id::integer as contact_id, customer_id::integer as account_id,
    payload #>> '{contact,firstName}' as first_name, payload #>> '{contact,lastName}' as last_name,
    payload #>> '{contact,email}' as email, payload ->> 'title' as title, (payload ->> 'primary')::boolean as is_primary
from raw_benefitpoint.contacts where deleted_at is null;

create view benefitpoint.plans as
select agency, entity_id::integer as product_id, customer_id::integer as account_id, payload ->> 'name' as name,
    payload ->> 'policyNumber' as policy_number, payload ->> 'productStatus' as product_status,
    left(payload ->> 'effectiveAsOf', 10)::date as effective_as_of, left(payload ->> 'renewalOn', 10)::date as renewal_on,
    (payload ->> 'continousPolicy')::boolean as continuous_policy,
    payload #>> '{policyIntegrationInfo,amsPolicyID}' as ams_policy_id
from raw_benefitpoint.plans where deleted_at is null;

-- Where findChanges goes on, and when everything was last read.
create table ops.benefitpoint_cursors (
    agency text primary key,
    changes_since timestamptz not null,
    full_at timestamptz not null,
    synced_at timestamptz not null default now()
);
comment on column ops.benefitpoint_cursors.changes_since is 'the server''s own time: the next findChanges asks from here, less an overlap';

-- Which account is which customer (B1, B3, B8). A row is made by the sync; a person only sets `decided`.
create table ops.account_links (
    agency text not null,
    ams360_customer_id text not null,
    benefitpoint_account_id integer not null,
    state text not null check (state in ('confirmed', 'suggested', 'refused', 'dormant')),
    evidence text not null check (evidence in ('id', 'number', 'person', 'name')),
    score numeric(3, 2) not null check (score between 0 and 1),
    detail text[] not null default '{}',
    decided text check (decided in ('confirmed', 'refused')),
    decided_by text,
    decided_at timestamptz,
    primary key (agency, ams360_customer_id, benefitpoint_account_id)
);
create index on ops.account_links (agency, benefitpoint_account_id);
comment on column ops.account_links.state is
    'confirmed: they are one account; suggested: a person may say so; refused: a person said no; dormant: a person said '
    'yes, but one of them is gone';

-- B5: the AMS360 policy that was made of a plan, or that a plan names.
create table ops.plan_links (
    agency text not null,
    benefitpoint_plan_id integer not null,
    ams360_policy_id text not null,
    linked_at timestamptz not null default now(),
    primary key (agency, benefitpoint_plan_id)
);
create index on ops.plan_links (agency, ams360_policy_id);

create table mart.accounts (
    agency text not null,
    account_id uuid not null,
    name text,
    classification text check (classification in ('group', 'individual', 'marketing_group', 'agent', 'agency')),
    account_type text,
    office text,
    department text,
    is_active boolean not null,
    email text,
    phone text,
    address1 text,
    address2 text,
    city text,
    state text,
    postal_code text,
    customer_number integer,
    ams360_customer_id text,
    benefitpoint_account_id integer,
    ams360_synced boolean not null,
    benefitpoint_synced boolean not null,
    former_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (agency, account_id),
    unique (account_id),
    check (ams360_synced = (ams360_customer_id is not null)),
    check (benefitpoint_synced = (benefitpoint_account_id is not null)),
    check (ams360_synced or benefitpoint_synced),
    unique (agency, ams360_customer_id) deferrable initially deferred,
    unique (agency, benefitpoint_account_id) deferrable initially deferred
);
comment on table mart.accounts is
    'One row an account, whichever system tells of it (B1, B2): values are AMS360''s where it has the customer; '
    'classification, account_type, office and department are BenefitPoint''s';

comment on column mart.accounts.former_id is
    'B3: the id it had while BenefitPoint alone knew it, if it was known then; with it an old reference is still found';

create table mart.policies (
    agency text not null,
    policy_id uuid not null,
    account_id uuid not null,
    origin text not null check (origin in ('ams360', 'benefitpoint')),
    policy_number text,
    status text,
    line_of_business text,
    carrier text,
    effective_date date,
    expiration_date date,
    is_continuous boolean not null,
    premium numeric,
    ams360_policy_id text,
    benefitpoint_plan_id integer,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (agency, policy_id),
    unique (policy_id),
    check (ams360_policy_id is not null or benefitpoint_plan_id is not null),
    unique (agency, ams360_policy_id) deferrable initially deferred,
    unique (agency, benefitpoint_plan_id) deferrable initially deferred
);
create index on mart.policies (agency, account_id);
comment on table mart.policies is
    'Policies of AMS360 and plans of BenefitPoint, those that are one policy once, with AMS360''s values. premium is for a '
    'year or the term, in the agency''s currency; origin is benefitpoint where a plan is behind it';

-- What the next publish of accounts and policies looks at. Only appended to and drained, so that nothing is lost
-- between a merge and a publish that overlap.
create table stage.account_touches (
    agency text not null,
    seq bigint generated always as identity,
    kind text not null check (kind in ('customer', 'account', 'policy', 'plan', 'all_policies')),
    id text not null,
    primary key (agency, seq)
);

-- AMS360's customers by what links and suggestions look for; the sync keeps it. customer_key is the id in small letters.
create table stage.account_customers (
    agency text not null,
    customer_key text not null,
    customer_number integer not null,
    name_key text not null,
    document jsonb not null,
    primary key (agency, customer_key)
);
create index on stage.account_customers (agency, customer_number);
create index on stage.account_customers (agency, name_key) where name_key <> '';

create function stage.touch_accounts() returns trigger language plpgsql as $$
begin
    -- kind of the touch is the trigger's argument
    insert into stage.account_touches (agency, kind, id)
    select agency, tg_argv[0], entity_id from changed;
    return null;
end $$;
create function stage.touch_all_policies() returns trigger language plpgsql as $$
begin
    insert into stage.account_touches (agency, kind, id) select distinct agency, 'all_policies', '' from changed;
    return null;
end $$;
create function stage.touch_accounts_of_office() returns trigger language plpgsql as $$
begin
    insert into stage.account_touches (agency, kind, id)
    select a.agency, 'account', a.entity_id from raw_benefitpoint.accounts a join changed o
        on a.agency = o.agency and a.payload ->> 'officeID' = o.entity_id;
    return null;
end $$;
create function stage.touch_linked_plan() returns trigger language plpgsql as $$
begin
    insert into stage.account_touches (agency, kind, id)
    select agency, 'plan', benefitpoint_plan_id::text from changed;
    return null;
end $$;

do $$
declare
    watched record;
    event text;
begin
    for watched in
        select * from (values
            ('raw_ams360.customers', 'stage.touch_accounts(''customer'')'),
            ('raw_ams360.policies', 'stage.touch_accounts(''policy'')'),
            ('raw_ams360.companies', 'stage.touch_all_policies()'),
            ('raw_ams360.lines_of_business', 'stage.touch_all_policies()'),
            ('raw_benefitpoint.accounts', 'stage.touch_accounts(''account'')'),
            ('raw_benefitpoint.plans', 'stage.touch_accounts(''plan'')'),
            ('raw_benefitpoint.offices', 'stage.touch_accounts_of_office()'),
            ('raw_benefitpoint.carriers', 'stage.touch_all_policies()'),
            ('raw_benefitpoint.product_types', 'stage.touch_all_policies()'),
            ('ops.plan_links', 'stage.touch_linked_plan()')
        ) v (table_name, call)
    loop
        foreach event in array array['insert', 'update'] loop
            execute format('create trigger touch_accounts_%s after %s on %s referencing new table as changed '
                'for each statement execute function %s', event, event, watched.table_name, watched.call);
        end loop;
    end loop;
end $$;

-- A person's word may come by SQL as well as by `ams-etl links`.
create function stage.touch_decided() returns trigger language plpgsql as $$
begin
    insert into stage.account_touches (agency, kind, id) values (new.agency, 'account', new.benefitpoint_account_id::text);
    return null;
end $$;
create trigger touch_decided_insert after insert on ops.account_links
    for each row when (new.decided is not null) execute function stage.touch_decided();
create trigger touch_decided_update after update of decided on ops.account_links
    for each row when (new.decided is distinct from old.decided) execute function stage.touch_decided();

-- Databases that have customers already: the first publish looks at everything.
insert into stage.account_touches (agency, kind, id)
select agency, 'customer', entity_id from raw_ams360.customers
union all select agency, 'policy', entity_id from raw_ams360.policies;
