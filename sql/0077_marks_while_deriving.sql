-- A customer whose records change while it is being derived must stay due: its mark is renewed by every change, and deriving takes
-- away only the mark that it began with. Before, a mark that was there already was left as it was, and went with the old one.

create sequence stage.customer_marks;
comment on sequence stage.customer_marks is 'Numbers of marks in stage.dirty_customers, in the order in which they were set.';
alter table stage.dirty_customers add column mark bigint not null default nextval('stage.customer_marks');
comment on column stage.dirty_customers.mark is
    'Number of the newest mark. Deriving reads it before the records, and unmarks the customer only where it is still the same.';

create or replace function stage.mark_customers_due(wanted_agency text, customer_ids text[]) returns void language sql as $$
    -- In one order, so that two transactions that mark the same customers wait for each other and do not deadlock.
    insert into stage.dirty_customers (agency, customer_id)
    select distinct wanted_agency, marked from unnest(customer_ids) marked order by marked
    on conflict (agency, customer_id) do update set mark = excluded.mark
$$;
