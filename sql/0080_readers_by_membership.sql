-- A person's role that is a member of a limited one has its privileges by inheritance, and was limited to nothing: the policies asked
-- for the person's own name. A role is limited now by every limited role whose privileges it uses.

create or replace function ops.readable_agencies(role_name text) returns text[]
    language sql stable security definer set search_path = pg_catalog
    return (
        select array_agg(distinct r.agency) from ops.readers r
        join pg_catalog.pg_roles asking on asking.rolname = readable_agencies.role_name
        left join pg_catalog.pg_roles limited on limited.rolname = r.role_name
        -- Superusers use every role's privileges, and the owner of the tables may be a member of any role: they sync.
        where r.role_name = asking.rolname or (limited.oid is not null and not asking.rolsuper
            and asking.oid <> (select c.relowner from pg_catalog.pg_class c where c.oid = 'ops.readers'::regclass)
            and pg_has_role(asking.oid, limited.oid, 'USAGE')));
comment on function ops.readable_agencies is
    'Returns the agencies that a role is limited to, itself or by a role whose privileges it inherits; null where it is not limited. '
    'Runs with its owner''s rights, since readers may not read ops.';
comment on table ops.readers is
    'Which roles, and so their members, see only some agencies in mart. A role that is neither here nor such a member sees every '
    'agency that its privileges allow.';
