"""Users: the user mapping table, edited in place or as CSV, with what a change would do before it is saved."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.pages.lists.csv_files import read_csv, write_csv
from ams_etl.pages.lists.listing import Column, Filter, Listing, read_all, read_page
from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Downloaded, Missing, Moved, Refused, Screen, Shown, Visit
from ams_etl.rules.contacts.connections import CONNECTION_TYPES, connection_type_named, no_such_type
from ams_etl.rules.settings import SourceSystem
from ams_etl.store.agency_db import scalar
from ams_etl.sync.contacts.preview import preview_mappings
from ams_etl.sync.contacts.user_mappings import MAPPED_EMPLOYEES, UserMapping, remove_mappings, store_mappings

CSV_COLUMNS = ("connection_type", "employee_code", "user_id", "user_name")
LONGEST = 200
_COLUMNS = [
    Column("connection_type", "Type", "connection_type"),
    Column("employee_code", "Code", "employee_code"),
    Column("employee_name", "Employee", "lower(employee_name)"),
    Column("employee_status", "Status", "employee_status"),
    Column("user_id", "User", "user_id"),
    Column("user_name", "User name", "lower(user_name)"),
    Column("contacts", "Contacts held", "contacts", numeric=True),
    Column("attention", "Needs", "attention"),
    Column("mapped_name", "Was mapped as", "mapped_name"),
]


def listing(visit: Visit) -> Listing:
    """Return the table: unmapped employees who hold contacts first, then departed ones, codes with another name, the others."""
    types = CONNECTION_TYPES[visit.agency.system]
    return Listing(
        "users",
        _COLUMNS,
        f"""select * from (select e.*, case when user_id is null then '1 a user'
                when employee_status is not null and upper(left(employee_status, 1)) <> 'A' then '2 a successor'
                when mapped_name is not null then '3 a look' else '4 nothing' end as attention
            from ({MAPPED_EMPLOYEES}) e) t where true""",
        "attention",
        "contacts desc, connection_type, employee_code",
        is_short=True,
        filters=[
            Filter("q", "Name, code or user", "position(lower(%(q)s) in lower(concat_ws(' ', employee_name, employee_code, "
                                              "user_id, user_name))) > 0"),
            Filter("needs", "Needs", "left(attention, 1) = %(needs)s",
                   [("1", "a user (unmapped)"), ("2", "a successor (departed)"), ("3", "a look (code renamed)"), ("4", "nothing")]),
            Filter("type", "Type", "lower(connection_type) = lower(%(type)s)", [(name, name) for name in types]),
        ],
    )  # fmt: skip


def show_users(visit: Visit) -> Answer:
    """Show the user mapping table."""
    chosen, scope = listing(visit), {"agency": visit.agency.id}
    if visit.query.get("format") == "csv":
        rows = read_all(visit.connection, chosen, visit.query, scope)
        # The order of the import's columns first, so that the file can be edited and loaded again.
        order = (
            "connection_type",
            "employee_code",
            "user_id",
            "user_name",
            "employee_name",
            "employee_status",
            "contacts",
        )
        places = [[column.key for column in _COLUMNS].index(name) for name in order]
        return Downloaded("users.csv", write_csv(order, ([row[place] for place in places] for row in rows)))
    return Shown("users.html", {"list": read_page(visit.connection, chosen, visit.query, scope, visit.path)})


@dataclass(frozen=True, slots=True)
class _Employee:
    """An employee in a role, and the mapping that a form shows or asks for."""

    connection_type: str
    employee_code: str
    user_id: str
    user_name: str


def preview_user(visit: Visit) -> Answer:
    """Show what mapping one employee otherwise would do, with the form that saves it."""
    wanted = _wanted(visit)
    if isinstance(wanted, Refused):
        return wanted
    known = _stored(visit, wanted)
    if known is None:
        return Missing("such employee")
    if (known.user_id, known.user_name) != (visit.form.get("had_id", ""), visit.form.get("had_name", "")):
        return _changed_meanwhile(wanted, known)
    return Shown(
        "user_change.html", {"wanted": wanted, "known": known, "stale": False, **_effect(visit, *_parts([wanted]))}
    )


def save_user(visit: Visit) -> Answer:
    """Map one employee, unless somebody changed the mapping since the form was shown."""
    wanted = _wanted(visit)
    if isinstance(wanted, Refused):
        return wanted
    _lock(visit.connection, visit.agency.id)
    known = _stored(visit, wanted)
    if known is None:
        return Missing("such employee")
    if (known.user_id, known.user_name) != (visit.form.get("had_id", ""), visit.form.get("had_name", "")):
        return _changed_meanwhile(wanted, known)
    mappings, removed = _parts([wanted])
    store_mappings(visit.connection, visit.agency.id, mappings)
    remove_mappings(visit.connection, visit.agency.id, removed)
    visit.record(
        "map_user", f"{wanted.connection_type} {wanted.employee_code}",
        before=_as_json(known) if known.user_id else None, after=_as_json(wanted) if wanted.user_id else None,
    )  # fmt: skip
    return Moved(
        f"{visit.home}/users",
        f"Saved: {wanted.connection_type} {wanted.employee_code}. The next sync publishes the owners.",
    )


def preview_import(visit: Visit) -> Answer:
    """Show what a CSV file of mappings would change, with the form that saves it; rows without a user are left out."""
    content = visit.files.get("file") or visit.form.get("rows", "").encode()
    wanted = _rows_of(content, visit.agency.system)
    if not wanted:
        return Refused("The file maps nobody: no row has a user_id.")
    had = {(row.connection_type, row.employee_code): row for row in _all_stored(visit)}
    changes = [
        (row, had.get((row.connection_type, row.employee_code)))
        for row in wanted
        if had.get((row.connection_type, row.employee_code)) != row
    ]
    rows = write_csv(
        CSV_COLUMNS, ((row.connection_type, row.employee_code, row.user_id, row.user_name) for row, _ in changes)
    )
    return Shown(
        "user_import.html",
        {"changes": changes[:200], "count": len(changes), "same": len(wanted) - len(changes),
         "rows": rows.decode("utf-8-sig"), "version": _version(visit), **_effect(visit, *_parts([row for row, _ in changes]))},
    )  # fmt: skip


def save_import(visit: Visit) -> Answer:
    """Save the mappings of a previewed file, unless any mapping has changed since the preview."""
    wanted = _rows_of(visit.form.get("rows", "").encode(), visit.agency.system)
    _lock(visit.connection, visit.agency.id)
    if visit.form.get("version") != _version(visit):
        return Refused(
            "Somebody changed the user mapping after your preview. Load the file again to see what is left to do.", 409
        )
    mappings, _ = _parts(wanted)
    changed = store_mappings(visit.connection, visit.agency.id, mappings)
    visit.record("import_users", f"{changed} mappings", after=[_as_json(row) for row in wanted])
    return Moved(f"{visit.home}/users", f"{changed:,} mappings saved. The next sync publishes the owners.")


def _wanted(visit: Visit) -> _Employee | Refused:
    form = visit.form
    wanted = _Employee(
        form.get("type", ""), form.get("code", ""), form.get("user_id", "").strip(), form.get("user_name", "").strip()
    )
    if max(len(wanted.user_id), len(wanted.user_name)) > LONGEST:
        return Refused(f"A user's id and name have at most {LONGEST} characters.")
    return wanted


def _parts(wanted: list[_Employee]) -> tuple[list[UserMapping], list[tuple[str, str]]]:
    """Split into mappings to store and employees whose mapping goes."""
    mappings = {(row.connection_type, row.employee_code): row for row in wanted}
    stored = [UserMapping(*key, row.user_id, row.user_name or None) for key, row in mappings.items() if row.user_id]
    return stored, [key for key, row in mappings.items() if not row.user_id]


def _effect(visit: Visit, mappings: list[UserMapping], removed: list[tuple[str, str]]) -> dict[str, Any]:
    count, examples = preview_mappings(
        visit.connection, visit.agency.id, mappings, removed, visit.agency.settings, visit.today
    )
    return {"owner_changes": count, "examples": examples}


def _rows_of(content: bytes, system: SourceSystem) -> list[_Employee]:
    """Return the rows that map somebody, the connection types as the system spells them.

    Raises:
        ConfigError: the file is no CSV of mappings, or the system has no such connection type.
    """
    found = {}
    for line, row in enumerate(read_csv(content, CSV_COLUMNS, needed=3), start=2):
        if row["connection_type"] and row["employee_code"] and row["user_id"]:
            kind = connection_type_named(system, row["connection_type"])
            if kind is None:
                raise ConfigError(f"Line {line}: {no_such_type(system, row['connection_type'])}.")
            mapped = _Employee(kind, *(row[name] for name in CSV_COLUMNS[1:]))
            found[kind, mapped.employee_code] = mapped
    return list(found.values())


def _stored(visit: Visit, wanted: _Employee) -> _Employee | None:
    """Return an employee's mapping as it is; None: nobody known by that type and code."""
    row = visit.connection.execute(
        f"select coalesce(user_id, ''), coalesce(user_name, '') from ({MAPPED_EMPLOYEES}) e "
        "where connection_type = %(type)s and employee_code = %(code)s",
        {"agency": visit.agency.id, "type": wanted.connection_type, "code": wanted.employee_code},
    ).fetchone()
    return _Employee(wanted.connection_type, wanted.employee_code, *row) if row else None


def _all_stored(visit: Visit) -> list[_Employee]:
    rows = visit.connection.execute(
        "select connection_type, employee_code, user_id, coalesce(user_name, '') from ops.user_mappings where agency = %s",
        (visit.agency.id,),
    )
    return [_Employee(*row) for row in rows]


def _version(visit: Visit) -> str:
    """Return a hash of every mapping, which changes with any of them."""
    return str(
        scalar(
            visit.connection,
            """select md5(coalesce(string_agg(md5(row(connection_type, employee_code, user_id, user_name)::text), ''
            order by connection_type, employee_code), '')) from ops.user_mappings where agency = %s""",
            (visit.agency.id,),
        )
        or ""
    )


def _lock(connection: psycopg.Connection[Any], agency: str) -> None:
    """Let one person at a time change an agency's mapping, so that the comparison with the form holds until the commit."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('ops.user_mappings ' || %s, 0))", (agency,))


def _changed_meanwhile(wanted: _Employee, known: _Employee) -> Shown:
    values = {"wanted": wanted, "known": known, "stale": True, "owner_changes": 0, "examples": ()}
    return Shown("user_change.html", values, 409)


def _as_json(row: _Employee) -> dict[str, str]:
    return {
        "type": row.connection_type, "code": row.employee_code, "user_id": row.user_id, "user_name": row.user_name,
    }  # fmt: skip


SCREENS = [
    Screen("GET", "/users", Role.VIEWER, show_users, shows_people=False),
    Screen("POST", "/users/preview", Role.OPERATOR, preview_user, long=True),
    Screen("POST", "/users", Role.OPERATOR, save_user),
    Screen("POST", "/users/import", Role.OPERATOR, preview_import, long=True),
    Screen("POST", "/users/import/save", Role.OPERATOR, save_import, long=True),
]
