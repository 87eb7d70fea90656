-- A version of ams_etl may work with a schema that is newer than it knows, unless a migration took away what it uses.
alter table ops.schema_migrations add column contract text;
comment on column ops.schema_migrations.contract is
    'The version of ams_etl that no longer used what this migration takes away, from its line "-- contract:"; null where it only '
    'adds. An older process starts beside newer migrations that only add, and is refused where one of them takes away.';
-- These took away, or renamed, before there was such a line.
update ops.schema_migrations set contract = '0.1.0' where version in (24, 55, 62);
