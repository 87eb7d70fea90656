"""AMS360 customers, contacts and policies to sendable contacts in Postgres, run and watched in Dagster.

The rooms, from the ground up (an import only ever points down): `errors`; `rules` and `settings`; `store` and
`sources`; `sync` and `writeback`; `inbound` and `defs`; `cli`; `definitions`. `sandbox` is apart from all of them.
"""
