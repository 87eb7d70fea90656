-- One contact's past by its own rows of the feed: the function for all of them reads the feed of the whole agency. And readers of
-- mart, who may read neither stage nor ops, may ask for the past, too.

create function ops.feed_pruned_before(wanted_agency text) returns timestamptz
language sql stable security definer set search_path = pg_catalog
    return (select h.pruned_before from ops.feed_horizons h where h.agency = wanted_agency);
comment on function ops.feed_pruned_before is
    'Returns the moment of the newest change of an agency that retention deleted, or null. Runs with its owner''s rights, since '
    'readers may not read ops.';

create or replace function mart.documents_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, document jsonb) language plpgsql stable as $$
begin
    if ops.feed_pruned_before(wanted_agency) >= moment then
        raise exception 'the change feed of % reaches back to %', wanted_agency, ops.feed_pruned_before(wanted_agency)
            using hint = 'retention.changes_days in agencies.yaml says how long it is kept';
    end if;
    return query
    with latest as (
        select distinct on (c.entity_id) c.entity_id, c.after from mart.changes c
        where c.agency = wanted_agency and c.entity = 'contact' and c.at <= moment order by c.entity_id, c.seq desc),
    next as (
        select distinct on (c.entity_id) c.entity_id, c.before from mart.changes c
        where c.agency = wanted_agency and c.entity = 'contact' and c.at > moment order by c.entity_id, c.seq)
    select l.entity_id::uuid, l.after from latest l where l.after is not null
    union all
    select n.entity_id::uuid, n.before from next n
    where n.before is not null and not exists (select from latest l where l.entity_id = n.entity_id)
    union all
    select s.contact_id, s.document from mart.contact_documents s
    where s.agency = wanted_agency
        and not exists (select from latest l where l.entity_id = s.contact_id::text)
        and not exists (select from next n where n.entity_id = s.contact_id::text);
end $$;

create function mart.contact_as_of(wanted_agency text, wanted_contact uuid, moment timestamptz) returns jsonb
language plpgsql stable as $$
declare
    found_before jsonb;
    found_after jsonb;
begin
    if ops.feed_pruned_before(wanted_agency) >= moment then
        raise exception 'the change feed of % reaches back to %', wanted_agency, ops.feed_pruned_before(wanted_agency)
            using hint = 'retention.changes_days in agencies.yaml says how long it is kept';
    end if;
    select c.after into found_after from mart.changes c
    where c.agency = wanted_agency and c.entity_id = wanted_contact::text and c.entity = 'contact' and c.at <= moment
    order by c.seq desc limit 1;
    if found then
        return found_after;
    end if;
    select c.before into found_before from mart.changes c
    where c.agency = wanted_agency and c.entity_id = wanted_contact::text and c.entity = 'contact' and c.at > moment
    order by c.seq limit 1;
    if found then
        return found_before;
    end if;
    return (select s.document from mart.contact_documents s where s.agency = wanted_agency and s.contact_id = wanted_contact);
end $$;
comment on function mart.contact_as_of is
    'Returns one contact with its dependent rows as the mart of an agency held it at a moment, or null; see mart.documents_as_of.';
