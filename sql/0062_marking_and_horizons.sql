-- One way to mark a customer due for deriving, and one place for how far back a change feed reaches.

create function stage.mark_customers_due(wanted_agency text, customer_ids text[]) returns void language sql as $$
    -- In one order, so that two transactions that mark the same customers wait for each other and do not deadlock.
    insert into stage.dirty_customers (agency, customer_id)
    select distinct wanted_agency, marked from unnest(customer_ids) marked order by marked
    on conflict do nothing
$$;
comment on function stage.mark_customers_due is
    'Marks these customers as due for deriving. Whatever changes what a contact is made of calls it in the same transaction: '
    'ams_etl/store/dirty_customers.py, and the triggers on raw_benefitpoint and ops.account_links.';

create or replace function stage.dirty_benefitpoint_inserted() returns trigger language plpgsql as $$
begin
    perform stage.mark_customers_due(agency, array_agg(customer_id)) from changed group by agency;
    return null;
end $$;
create or replace function stage.dirty_benefitpoint_updated() returns trigger language plpgsql as $$
begin
    perform stage.mark_customers_due(agency, array_agg(customer_id))
    from (select agency, customer_id from changed union select agency, customer_id from was) moved group by agency;
    return null;
end $$;
create or replace function stage.dirty_benefitpoint_named() returns trigger language plpgsql as $$
begin
    perform stage.mark_customers_due(agency, array_agg(entity_id)) from raw_benefitpoint.accounts
    where agency in (select agency from changed) and deleted_at is null group by agency;
    return null;
end $$;
create or replace function stage.dirty_linked_account() returns trigger language plpgsql as $$
begin
    if (tg_op <> 'INSERT' and old.state = 'confirmed') or (tg_op <> 'DELETE' and new.state = 'confirmed') then
        perform stage.mark_customers_due(coalesce(new.agency, old.agency),
            array[coalesce(new.benefitpoint_account_id, old.benefitpoint_account_id)::text]);
    end if;
    return null;
end $$;

-- ops.pruned_changes held the seq of the newest deleted change, ops.feed_horizons its moment. Where retention ran before there
-- were moments, the oldest change that is left says when.
alter table ops.feed_horizons add column pruned_seq bigint;
comment on column ops.feed_horizons.pruned_seq is
    'The seq of the newest deleted change: a consumer whose cursor is lower has missed changes and starts from a snapshot.';
insert into ops.feed_horizons (agency, pruned_before, pruned_seq)
select p.agency, coalesce((select min(c.at) from mart.changes c where c.agency = p.agency), now()), p.pruned_seq
from ops.pruned_changes p
on conflict (agency) do update set pruned_seq = excluded.pruned_seq;
update ops.feed_horizons set pruned_seq = 0 where pruned_seq is null;
alter table ops.feed_horizons alter column pruned_seq set not null;

create or replace view mart.feed_horizons with (security_barrier) as
select agency, pruned_seq from ops.feed_horizons
where (select ops.readable_agencies(current_user)) is null
    or agency = any ((select ops.readable_agencies(current_user))::text[]);
drop table ops.pruned_changes;
