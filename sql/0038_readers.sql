-- Roles that may only read the mart, some of them only one agency's rows (`ams-etl db grant`). Roles themselves belong to the
-- whole cluster and need CREATEROLE, so no migration creates one.
create table ops.readers (
    agency text not null,
    role_name text not null,
    granted_at timestamptz not null default now(),
    constraint readers_pkey primary key (agency, role_name)
);
comment on table ops.readers is
    'Which roles see only some agencies in mart. A role without a row here sees every agency that its privileges allow.';
comment on column ops.readers.agency is 'An agency whose rows the role sees.';
comment on column ops.readers.role_name is 'The Postgres role.';
comment on column ops.readers.granted_at is 'When `ams-etl db grant` gave it.';

create function ops.readable_agencies(role_name text) returns text[]
    language sql stable security definer set search_path = pg_catalog
    return (select array_agg(r.agency) from ops.readers r where r.role_name = readable_agencies.role_name);
comment on function ops.readable_agencies is
    'Returns the agencies that a role is limited to, or null where it is not limited. Runs with its owner''s rights, since readers '
    'may not read ops.';

-- The owner of the tables, which is who syncs, is not limited by these policies.
do $$
declare
    relation regclass;
begin
    for relation in
        select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'mart' and c.relkind in ('r', 'p') order by c.relname
    loop
        execute format('alter table %s enable row level security', relation);
        execute format(
            'create policy readers_see_their_agencies on %s for select using ('
            '(select ops.readable_agencies(current_user)) is null or agency = any ((select ops.readable_agencies(current_user))::text[]))',
            relation);
    end loop;
end $$;

alter table ops.feed_consumers enable row level security;
create policy readers_keep_their_cursors on ops.feed_consumers using (
    (select ops.readable_agencies(current_user)) is null or agency = any ((select ops.readable_agencies(current_user))::text[]));

create view mart.feed_horizons with (security_barrier) as
select agency, pruned_seq from ops.pruned_changes
where (select ops.readable_agencies(current_user)) is null
    or agency = any ((select ops.readable_agencies(current_user))::text[]);
comment on view mart.feed_horizons is
    'Where the change feed of an agency begins, once retention has deleted its beginning; see mart.changes.';
select ops.copy_column_comments('ops.pruned_changes'::regclass, 'mart.feed_horizons'::regclass);

create view mart.contact_documents with (security_barrier) as
select agency, contact_id, document from stage.contacts
where (select ops.readable_agencies(current_user)) is null
    or agency = any ((select ops.readable_agencies(current_user))::text[]);
comment on view mart.contact_documents is
    'Each contact as one JSON document with its dependent rows, in the form that mart.changes has before and after: a consumer '
    'of the feed starts from it. Shows a limited role only its agencies.';
comment on column mart.contact_documents.agency is 'Agency id, the key of the agency in agencies.yaml.';
comment on column mart.contact_documents.contact_id is 'The contact, as in mart.contacts.';
comment on column mart.contact_documents.document is 'The contact with its dependent rows.';

create view mart.contact_cards with (security_invoker) as
select c.agency, c.contact_id, c.record_type, c.status, c.first_name, c.last_name, c.nickname, c.company_name,
    c.email, c.phone, c.city, c.state, c.birthday, c.owner_user_id, c.suppressed_reason,
    array(select t.tag from mart.contact_tags t where (t.agency, t.contact_id) = (c.agency, c.contact_id) order by t.tag) as tags,
    array(select e.email from mart.contact_emails e where (e.agency, e.contact_id) = (c.agency, c.contact_id)
        order by e.is_primary desc, e.email) as emails,
    array(select p.phone from mart.contact_phones p where (p.agency, p.contact_id) = (c.agency, c.contact_id)
        order by p.is_primary desc, p.phone) as phones,
    array(select concat_ws(' ', k.kind, k.fact_date, k.label) from mart.key_facts k
        where (k.agency, k.contact_id) = (c.agency, c.contact_id) order by k.fact_date, k.kind, k.label) as key_facts,
    array(select concat(n.connection_type, ': ', coalesce(n.employee_name, n.employee_code)) from mart.connections n
        where (n.agency, n.contact_id) = (c.agency, c.contact_id) order by n.connection_type, n.rank) as connections,
    array(select concat_ws(' ', s.system, s.entity, s.entity_id) from mart.contact_sources s
        where (s.agency, s.contact_id) = (c.agency, c.contact_id) order by s.system, s.entity, s.entity_id) as sources
from mart.contacts c;
comment on view mart.contact_cards is
    'Each contact on one row, with its tags, emails, phones, key facts, connections and sources as arrays: for people in psql and '
    'spreadsheets.';
comment on column mart.contact_cards.tags is 'Texts of its tags, in alphabetical order.';
comment on column mart.contact_cards.emails is 'All its email addresses, the primary one first.';
comment on column mart.contact_cards.phones is 'All its phone numbers, the primary one first.';
comment on column mart.contact_cards.key_facts is 'Its key facts as kind, date and label, by date.';
comment on column mart.contact_cards.connections is 'Who at the agency has which role for it: type and name.';
comment on column mart.contact_cards.sources is 'The source records that it was made from: system, entity and id.';
select ops.copy_column_comments('mart.contacts'::regclass, 'mart.contact_cards'::regclass);
