-- Accounts that BenefitPoint alone knows become contacts, too; their customer_id is the account's id.

-- A record of an account that AMS360 has gives a contact nothing but its id. It goes with the customer's own candidate,
-- or with whoever has its email.
alter table stage.candidates add column follows_candidate uuid, add column follows_email text;
create index on stage.candidates (agency, follows_candidate) where follows_candidate is not null;
create index on stage.candidates (agency, follows_email) where follows_email is not null;

-- Links are worked out first, by whichever comes first of contacts and accounts; then they are handed on.
alter table stage.account_touches drop constraint account_touches_kind_check;
alter table stage.account_touches add constraint account_touches_kind_check check (
    kind in ('customer', 'account', 'linked_customer', 'linked_account', 'policy', 'plan', 'all_policies'));

create function stage.dirty_benefitpoint_inserted() returns trigger language plpgsql as $$
begin
    insert into stage.dirty_customers (agency, customer_id)
    select distinct agency, customer_id from changed on conflict do nothing;
    return null;
end $$;
create function stage.dirty_benefitpoint_updated() returns trigger language plpgsql as $$
begin
    insert into stage.dirty_customers (agency, customer_id)
    select agency, customer_id from changed union select agency, customer_id from was on conflict do nothing;
    return null;
end $$;
create function stage.dirty_benefitpoint_named() returns trigger language plpgsql as $$
begin
    insert into stage.dirty_customers (agency, customer_id)
    select a.agency, a.entity_id from raw_benefitpoint.accounts a
    where a.agency in (select agency from changed) and a.deleted_at is null on conflict do nothing;
    return null;
end $$;

do $$
declare
    watched text;
    event text;
begin
    foreach watched in array array['accounts', 'contacts', 'plans'] loop
        execute format('create trigger dirty_customers_insert after insert on raw_benefitpoint.%I referencing new table as '
            'changed for each statement execute function stage.dirty_benefitpoint_inserted()', watched);
        execute format('create trigger dirty_customers_update after update on raw_benefitpoint.%I referencing new table as '
            'changed old table as was for each statement execute function stage.dirty_benefitpoint_updated()', watched);
    end loop;
    foreach watched in array array['offices', 'carriers', 'product_types'] loop
        foreach event in array array['insert', 'update'] loop
            execute format('create trigger dirty_customers_%s after %s on raw_benefitpoint.%I referencing new table as '
                'changed for each statement execute function stage.dirty_benefitpoint_named()', event, event, watched);
        end loop;
    end loop;
end $$;

create function stage.dirty_linked_account() returns trigger language plpgsql as $$
begin
    if (tg_op <> 'INSERT' and old.state = 'confirmed') or (tg_op <> 'DELETE' and new.state = 'confirmed') then
        insert into stage.dirty_customers (agency, customer_id)
        values (coalesce(new.agency, old.agency), coalesce(new.benefitpoint_account_id, old.benefitpoint_account_id)::text)
        on conflict do nothing;
    end if;
    return null;
end $$;
create trigger dirty_linked_account after insert or update or delete on ops.account_links
    for each row execute function stage.dirty_linked_account();
