-- B5: plans of BenefitPoint that would be policies of AMS360, but for a code or a date that is missing.
create table ops.waiting_plans (
    agency text not null,
    benefitpoint_plan_id integer not null,
    waits_for text not null check (waits_for in ('carrier', 'line_of_business', 'effective_date')),
    account_id uuid not null,
    benefitpoint_id integer,
    name text,
    code text,
    reason text not null,
    since timestamptz not null default now(),
    primary key (agency, benefitpoint_plan_id, waits_for)
);
comment on table ops.waiting_plans is
    'A row for each thing that a plan waits for before it becomes a policy of AMS360; every publish of accounts writes it anew';
comment on column ops.waiting_plans.benefitpoint_id is 'the carrier, or the product type, without a usable code';
comment on column ops.waiting_plans.code is 'the code in the settings that AMS360 does not have; null: there is none';
