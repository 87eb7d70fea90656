"""Every object of the schema explains itself, and has a name that says what it is for."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg

_OURS = r"^(?!pg_|information_schema$|public$)"
SHORTEST = 15
AVOIDED = re.compile(
    r"\b(told|untold|tells? of|stands?|stood|hangs?|hung|whom|whose word|person's word|is none|is no|small letters|anew|"
    r"once a day and agency|the door|sandboxes?|settl(?:e|es|ed|ing)|set aside|looked at|gives)\b",
    re.IGNORECASE,
)
"""Words that docs, comments and messages avoid; a name such as settled_at is no such word."""
ORDER_KEY = ("ops.writebacks", "ops.writeback_contacts", "ops.writeback_health")
"""Only in the outbox is a lane a lane; what asked for a sync is its trigger."""


def commented(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str | None]]:
    """Schemas, tables, views, columns and functions of ours, each with its comment."""
    yield from connection.execute(
        """with ours as (select oid, nspname from pg_namespace where nspname ~ %(ours)s),
        relations as (
            select c.oid, ours.nspname || '.' || c.relname as name from pg_class c join ours on ours.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'f'))
        select nspname, obj_description(oid, 'pg_namespace') from ours
        union all select name, obj_description(oid, 'pg_class') from relations
        union all select name || '.' || attname, col_description(attrelid, attnum)
            from pg_attribute join relations on relations.oid = attrelid where attnum > 0 and not attisdropped
        union all select p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc')
            from pg_proc p join ours on ours.oid = p.pronamespace
        order by 1""",
        {"ours": _OURS},
    )


def test_every_table_view_column_and_function_has_a_comment(connection: psycopg.Connection[Any]) -> None:
    """A migration that adds one comments it in the same file."""
    comments = dict(commented(connection))
    assert len(comments) > 500
    missing = [name for name, comment in comments.items() if len((comment or "").strip()) < SHORTEST]
    assert not missing, f"no comment, or one of fewer than {SHORTEST} characters: {missing}"


def test_comments_are_plain_english(connection: psycopg.Connection[Any]) -> None:
    """They are all that somebody in psql has to go by."""
    private = {name: found[0] for name, comment in commented(connection) if (found := AVOIDED.search(comment or ""))}
    assert not private
    lanes = [
        name
        for name, comment in commented(connection)
        if re.search(r"\blanes?\b", comment or "") and not name.startswith(ORDER_KEY)
    ]
    assert not lanes


def test_the_words_to_avoid_are_found_as_words() -> None:
    """A name that holds one is left alone."""
    assert AVOIDED.search("the reason stands here until it is settled")
    assert not AVOIDED.search("Latest settled_at of them; understands; changed")


def test_no_index_or_constraint_has_a_generated_name(connection: psycopg.Connection[Any]) -> None:
    """sql/README.md has the convention; a name is how a slow query or a violated constraint is reported."""
    names = [
        row[0]
        for row in connection.execute(
            """select i.relname from pg_class i join pg_namespace n on n.oid = i.relnamespace
            where i.relkind in ('i', 'I') and n.nspname ~ %(ours)s
            union all select conname from pg_constraint c join pg_namespace n on n.oid = c.connamespace
            where c.contype <> 'n' and n.nspname ~ %(ours)s""",
            {"ours": _OURS},
        )
    ]
    assert len(names) > 150
    assert not [name for name in names if re.search(r"_(idx|key|excl)\d*$|_(check|fkey)\d+$", name)]
    unnamed_checks = connection.execute(
        """select conrelid::regclass::text, conname from pg_constraint c join pg_namespace n on n.oid = c.connamespace
        where n.nspname ~ %s and contype = 'c'
            and conname = (select relname from pg_class where oid = conrelid) || '_check'""",
        (_OURS,),
    ).fetchall()
    assert not unnamed_checks
