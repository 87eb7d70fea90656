-- What the mart held at an earlier moment, worked out from the change feed: each of its rows has the whole contact before and
-- after. It needs no second copy: a contact's latest change up to that moment tells what it was then, else its first change
-- after it tells what it was before, else it is as it is now.

create table ops.feed_horizons (
    agency text not null,
    pruned_before timestamptz not null,
    constraint feed_horizons_pkey primary key (agency)
);
comment on table ops.feed_horizons is 'How far back the change feed of an agency reaches, where older rows were deleted.';
comment on column ops.feed_horizons.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column ops.feed_horizons.pruned_before is 'Moment of the newest deleted change: what was before it is not known any more.';

comment on column mart.changes.at is
    'Moment of the publish, the same for all its changes; it rises with seq, because publishes of one agency are serialized.';

create index changes_by_moment on mart.changes (agency, at);

create function mart.documents_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, document jsonb) language plpgsql stable as $$
begin
    if exists (select from ops.feed_horizons h where h.agency = wanted_agency and h.pruned_before >= moment) then
        raise exception 'the change feed of % reaches back to %', wanted_agency,
            (select h.pruned_before from ops.feed_horizons h where h.agency = wanted_agency)
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
    select s.contact_id, s.document from stage.contacts s
    where s.agency = wanted_agency
        and not exists (select from latest l where l.entity_id = s.contact_id::text)
        and not exists (select from next n where n.entity_id = s.contact_id::text);
end $$;
comment on function mart.documents_as_of is
    'Returns each contact that the mart of an agency held at a moment, with its dependent rows, as mart.changes has them. Raises '
    'an error where the feed does not reach back so far. What was forgotten since is missing.';

create function mart.contacts_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, record_type text, status text, first_name text, middle_name text, last_name text, nickname text,
    company_name text, email text, phone text, address1 text, address2 text, city text, state text, postal_code text,
    country text, birthday date, owner_user_id text, owner_role text, suppressed_reason text) language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_record(d.document) as r (record_type text, status text, first_name text, middle_name text,
        last_name text, nickname text, company_name text, email text, phone text, address1 text, address2 text, city text,
        state text, postal_code text, country text, birthday date, owner_user_id text, owner_role text, suppressed_reason text)
$$;
comment on function mart.contacts_as_of is 'Returns mart.contacts of an agency as it was at a moment; see mart.documents_as_of.';

create function mart.contact_tags_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, tag text, category text) language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_recordset(d.document -> 'tags') as r (tag text, category text)
$$;
comment on function mart.contact_tags_as_of is 'Returns mart.contact_tags of an agency as it was at a moment.';

create function mart.key_facts_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, kind text, fact_date date, label text, policy_id text, is_continuous boolean)
language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_recordset(d.document -> 'key_facts') as r (kind text, fact_date date, label text,
        policy_id text, is_continuous boolean)
$$;
comment on function mart.key_facts_as_of is 'Returns mart.key_facts of an agency as it was at a moment.';

create function mart.connections_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, connection_type text, employee_code text, employee_name text, user_id text, rank integer)
language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_recordset(d.document -> 'connections') as r (connection_type text, employee_code text,
        employee_name text, user_id text, rank integer)
$$;
comment on function mart.connections_as_of is 'Returns mart.connections of an agency as it was at a moment.';

create function mart.contact_emails_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, email text, is_primary boolean) language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_recordset(d.document -> 'emails') as r (email text, is_primary boolean)
$$;
comment on function mart.contact_emails_as_of is 'Returns mart.contact_emails of an agency as it was at a moment.';

create function mart.contact_phones_as_of(wanted_agency text, moment timestamptz)
returns table (contact_id uuid, phone text, kind text, extension text, is_primary boolean) language sql stable as $$
    select d.contact_id, r.* from mart.documents_as_of(wanted_agency, moment) d
    cross join lateral jsonb_to_recordset(d.document -> 'phones') as r (phone text, kind text, extension text,
        is_primary boolean)
$$;
comment on function mart.contact_phones_as_of is 'Returns mart.contact_phones of an agency as it was at a moment.';
