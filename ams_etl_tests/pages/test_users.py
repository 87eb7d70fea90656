"""The user mapping table: filtered by type, with the effect of a change before it is saved, never overwriting another's."""

import csv
import io
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.pages.forms import column, form_of
from ams_etl_tests.pages.pages_process import TODAY, Visitor
from ams_etl_tests.sync.source_history import AGENCY, refresh

MAPPINGS = "select connection_type, employee_code, user_id, user_name from ops.user_mappings where agency = 'acme' order by 1, 2"


def change(visitor: Visitor, kind: str, code: str, user_id: str, user_name: str = "") -> Any:
    """Fill in the employee's row, review the effect, save."""
    form = form_of(visitor.page("/acme/users"), "/acme/users/preview", type=kind, code=code)
    shown = visitor.post(form.action, {**form.values, "user_id": user_id, "user_name": user_name})
    assert shown.status_code == 200, shown.text
    saving = form_of(shown.text, "/acme/users")
    return shown.text, saving, visitor.post(saving.action, saving.values)


def test_the_table_is_filtered_by_type_and_shows_who_needs_a_user_first(
    viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    stored.execute("insert into ops.user_mappings values ('acme', 'Executive', 'E 1', 'u1', null)")
    page = viewer.page("/acme/users")
    assert column(page, "Type")[0] == "Representative"
    assert column(page, "Needs")[0] == "a user"
    assert sorted(set(column(page, "Type"))) == ["Executive", "Representative"]
    assert set(column(viewer.page("/acme/users?type=Executive"), "Type")) == {"Executive"}
    assert column(viewer.page("/acme/users?type=Representative"), "Code") == ["R<1"]
    assert column(viewer.page("/acme/users?needs=4"), "User") == ["u1"]
    stored.execute("update ops.user_mappings set employee_name = 'Old Owner' where agency = 'acme'")
    assert column(viewer.page("/acme/users?needs=3"), "Was mapped as") == ["Old Owner"]
    stored.execute("update ops.user_mappings set employee_name = null where agency = 'acme'")
    assert column(viewer.page("/acme/users?q=eve"), "Employee") == ["Eve Exec"]
    assert "/acme/users/preview" not in page, "a viewer has no form"


def test_the_effect_shown_is_the_effect_of_the_next_sync(operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    """Mapping a representative makes just those contacts owned that the page counted, and the act is recorded."""
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    refresh(stored, RuleSettings(), TODAY)
    shown, _, saved = change(operator, "Representative", "R<1", "user-7", "Rob")
    assert saved.status_code == 303
    assert "Saved: Representative R&lt;1" in operator.page("/acme/users")
    refresh(stored, RuleSettings(), TODAY)
    owned = stored.execute(
        "select count(*) from mart.contacts where agency = 'acme' and owner_user_id = 'user-7'"
    ).fetchone()
    assert owned is not None
    assert owned[0] > 10
    assert f"{owned[0]} contacts get another owner" in shown
    assert stored.execute(
        """select user_name, act, subject, before, after ->> 'user_id' from ops.page_acts where agency = %s
        order by act_id desc limit 1""",
        (AGENCY,),
    ).fetchone() == ("operator", "map_user", "Representative R<1", None, "user-7")
    change(operator, "Representative", "R<1", "")
    assert stored.execute(MAPPINGS).fetchall() == []


def test_the_second_of_two_people_sees_the_firsts_change(
    operator: Visitor, admin: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """At the preview and at saving; a stale form never overwrites."""
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    row = form_of(operator.page("/acme/users"), "/acme/users/preview", type="Executive", code="E 1")
    mine = form_of(operator.post(row.action, {**row.values, "user_id": "mine"}).text, "/acme/users")
    assert change(admin, "Executive", "E 1", "theirs")[2].status_code == 303
    for form, values in ((mine, mine.values), (row, {**row.values, "user_id": "mine"})):
        answer = operator.post(form.action, values)
        assert answer.status_code == 409
        assert "theirs" in answer.text
    assert [user for *_, user, _ in stored.execute(MAPPINGS).fetchall()] == ["theirs"]


def test_csv_comes_back_as_it_went_and_holds_no_formula(operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    rows = [
        ("Executive", "E 1", "=1+1", "-Eve"), ("Executive", "+X1", "'quoted", ""), ("Representative", "@R1", "u", "a,\"b"),
    ]  # fmt: skip
    for row in rows:
        stored.execute("insert into ops.user_mappings values ('acme', %s, %s, %s, nullif(%s, ''))", row)
    content = operator.get("/acme/users?format=csv").content
    cells = [cell for line in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    same = operator.post("/acme/users/import", file=("users.csv", content, "text/csv"))
    assert same.status_code == 200, same.text
    assert "0 mappings change; 3 are" in same.text
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    shown = operator.post("/acme/users/import", file=("users.csv", content, "text/csv"))
    form = form_of(shown.text, "/acme/users/import/save")
    assert operator.post(form.action, form.values).status_code == 303
    assert sorted((a, b, c, d or "") for a, b, c, d in stored.execute(MAPPINGS).fetchall()) == sorted(rows)
    assert operator.post(form.action, form.values).status_code == 409, "the preview is older than what is stored"


def test_a_file_that_is_no_mapping_is_refused_in_words(operator: Visitor) -> None:
    for content in (b"\xff\xfe", b"a,b\n1,2\n", b'connection_type,employee_code,user_id\n"x', b""):
        answer = operator.post("/acme/users/import", file=("x.csv", content, "text/csv"))
        assert answer.status_code == 422


def test_a_type_of_another_system_is_refused_and_any_case_is_taken(operator: Visitor) -> None:
    """As `ams-etl users map` does, in the preview and in what its form sends."""
    head = "connection_type,employee_code,user_id\n"
    other = f"{head}Executive,E 1,u1\nLead Attorney,E 1,u1\n"
    refused = operator.post("/acme/users/import", file=("x.csv", other.encode(), "text/csv"))
    assert refused.status_code == 422
    assert "Line 3" in refused.text
    assert "not a connection type of ams360" in refused.text
    shown = operator.post("/acme/users/import", file=("x.csv", f"{head}EXECUTIVE,E 1,case-user\n".encode(), "text/csv"))
    form = form_of(shown.text, "/acme/users/import/save")
    assert "Executive,E 1,case-user" in form.values["rows"]
    assert operator.post(form.action, {**form.values, "rows": other}).status_code == 422
