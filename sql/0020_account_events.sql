-- Accounts that events create: the search for duplicates, and the customer that an account waits for.
create index on mart.accounts (agency, lower(email)) where benefitpoint_account_id is not null;
create index writebacks_new_customers on ops.writebacks (agency, system, lane, position) where operation = 'customer';
comment on column ops.writebacks.customer_id is
    'the record that it is about in the system that is written to: AMS360''s customer, BenefitPoint''s account';
create index writebacks_held on ops.writebacks (agency) where system = 'benefitpoint'
    and operation in ('account', 'link_account') and status in ('waiting', 'pending');
