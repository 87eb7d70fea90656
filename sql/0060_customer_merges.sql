-- Customers that people merged in AMS360: the record that is gone goes on as another one's (M9).

create table ops.record_moves (
    agency text not null,
    entity text not null,
    entity_id text not null,
    customer_id text not null,
    moved_at timestamptz not null default now(),
    constraint record_moves_pkey primary key (agency, entity, entity_id, customer_id)
);
create index record_moves_by_customer_id on ops.record_moves (agency, customer_id);
comment on table ops.record_moves is
    'Customers that a source record belonged to before it moved to the one that raw has now. A policy that moved away from a '
    'customer that is gone is what shows that two customers were merged (M9).';
comment on column ops.record_moves.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.record_moves.entity is 'Raw table of the record, with its schema.';
comment on column ops.record_moves.entity_id is 'Id of the record in its raw table.';
comment on column ops.record_moves.customer_id is 'Customer that the record belonged to.';
comment on column ops.record_moves.moved_at is 'When a sync first found the record under another customer.';

-- A number of policies is written with and without blanks, dashes and dots; a short or made-up one identifies nothing.
create function ops.policy_number_key(written text) returns text language sql immutable parallel safe as $$
    select case when length(k) >= 6 and length(regexp_replace(k, '[^0-9]', '', 'g')) >= 4 and k !~ '^(.)\1*$' then k end
    from (select upper(regexp_replace(coalesce(written, ''), '[^A-Za-z0-9]', '', 'g')) as k) x
$$;
comment on function ops.policy_number_key is
    'Returns a policy number as it is compared (M9): letters and digits, upper case; null where it is too short or made up.';
create index policies_by_policy_number on raw_ams360.policies (agency, ops.policy_number_key(payload ->> 'PolicyNumber'))
    where ops.policy_number_key(payload ->> 'PolicyNumber') is not null;
create index customers_gone on raw_ams360.customers (agency, entity_id) where deleted_at is not null;

create table ops.customer_merge_decisions (
    agency text not null,
    customer_id text not null,
    merged_into text not null,
    decided text not null,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    constraint customer_merge_decisions_pkey primary key (agency, customer_id, merged_into),
    constraint customer_merge_decisions_decided_check check (decided in ('confirmed', 'refused'))
);
create unique index customer_merge_decisions_confirmed on ops.customer_merge_decisions (agency, customer_id)
    where decided = 'confirmed';
comment on table ops.customer_merge_decisions is
    'What users decided about a customer that is gone and another one: merged into it, or not. It counts before the records.';
comment on column ops.customer_merge_decisions.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.customer_merge_decisions.customer_id is 'Customer that is gone.';
comment on column ops.customer_merge_decisions.merged_into is 'Customer that it was, or was not, merged into.';
comment on column ops.customer_merge_decisions.decided is 'confirmed or refused.';
comment on column ops.customer_merge_decisions.decided_by is 'User who decided.';
comment on column ops.customer_merge_decisions.decided_at is 'When the user decided.';
create function stage.mark_decided_customer() returns trigger language plpgsql as $$
begin
    perform stage.mark_customers_due(case when tg_op = 'DELETE' then old.agency else new.agency end,
        array[case when tg_op = 'DELETE' then old.customer_id else new.customer_id end]);
    return null;
end $$;
comment on function stage.mark_decided_customer is 'Trigger: marks a customer dirty when users decide what it was merged into.';
create trigger mark_customer after insert or update or delete on ops.customer_merge_decisions
    for each row execute function stage.mark_decided_customer();

create table stage.merged_customers (
    agency text not null,
    customer_id text not null,
    next_customer text not null,
    merged_into text,
    evidence text not null,
    constraint merged_customers_pkey primary key (agency, customer_id)
);
create index merged_customers_by_merged_into on stage.merged_customers (agency, merged_into);
create index merged_customers_by_next_customer on stage.merged_customers (agency, next_customer);
comment on table stage.merged_customers is
    'Customers that are gone, and the customer that each was merged into (M9). Worked out from raw, ops.record_moves and '
    'ops.customer_merge_decisions.';
comment on column stage.merged_customers.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column stage.merged_customers.customer_id is 'Customer that is gone.';
comment on column stage.merged_customers.next_customer is 'Customer that it was merged into, which may be gone, too.';
comment on column stage.merged_customers.merged_into is
    'Live customer that the chain of merges ends with; null where it ends with one that is gone.';
comment on column stage.merged_customers.evidence is
    'What shows it: policy_id, contact_id, dependent_id, policy_number, or confirmed by a user.';

create table stage.merged_records (
    agency text not null,
    candidate_id uuid not null,
    customer_id text not null,
    continues_as uuid,
    document jsonb not null,
    constraint merged_records_pkey primary key (agency, candidate_id)
);
create index merged_records_by_customer_id on stage.merged_records (agency, customer_id);
create index merged_records_by_continues_as on stage.merged_records (agency, continues_as);
comment on table stage.merged_records is
    'What the records of merged customers last gave: the contacts that their customers were merged into keep their refusals.';
comment on column stage.merged_records.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column stage.merged_records.candidate_id is 'Id of the record that is gone, as in stage.candidates.';
comment on column stage.merged_records.customer_id is 'Its customer, as in stage.merged_customers.';
comment on column stage.merged_records.continues_as is
    'Candidate of the other customer that it goes on as: the customer''s own for the customer''s, the one of the same name or '
    'email for its people; null without one.';
comment on column stage.merged_records.document is 'The candidate that it last was, as in stage.candidates.document.';

create table mart.contact_merges (
    agency text not null,
    contact_id uuid not null,
    merged_into uuid not null,
    at timestamptz not null,
    evidence text not null,
    constraint contact_merges_pkey primary key (agency, contact_id),
    constraint contact_merges_evidence_check check (
        evidence in ('policy_id', 'contact_id', 'dependent_id', 'policy_number', 'confirmed', 'email', 'linked_account'))
);
create index contact_merges_by_merged_into on mart.contact_merges (agency, merged_into);
comment on table mart.contact_merges is
    'Former contact ids and the contact that each leads to now (M9, M1): its customer was merged into another one in AMS360, or '
    'it shares an email with an older contact. A row goes when the two are two again.';
comment on column mart.contact_merges.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column mart.contact_merges.contact_id is 'Former contact id: not in mart.contacts any more, or never by itself.';
comment on column mart.contact_merges.merged_into is 'Contact in mart.contacts that it is part of, or goes on as.';
comment on column mart.contact_merges.at is 'Publish that wrote this row.';
comment on column mart.contact_merges.evidence is
    'policy_id, contact_id, dependent_id: the same record belongs to the other customer now; policy_number: the same number does; '
    'confirmed: a user said so; email: the two share an address (M1); linked_account: one account in two systems (B11).';
alter table mart.contact_merges enable row level security;
create policy readers_see_their_agencies on mart.contact_merges for select using (
    (select ops.readable_agencies(current_user)) is null or agency = any ((select ops.readable_agencies(current_user))::text[]));

alter table mart.changes add column merged_into uuid;
comment on column mart.changes.merged_into is
    'Of a deleted contact: the contact that it goes on as (mart.contact_merges); else null.';

alter table ops.writebacks add column former_customer_id text;
comment on column ops.writebacks.former_customer_id is
    'Customer that the write was meant for, where that one was merged into customer_id since (M9); null otherwise.';
