"""Plans that wait for a code before they become policies: kept in `ops.waiting_plans`, and shown to people (B5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import yaml
from psycopg.types.json import Jsonb

from ams_etl.rules.accounts.plan_codes import SETTINGS, Waiting, WaitsFor, code_name_key


@dataclass(frozen=True, slots=True)
class WaitingPlan:
    """One thing that a plan waits for; `writeback_id` is the write that it would be."""

    plan_id: int
    account_id: UUID
    writeback_id: UUID
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class MissingCode:
    """What plans wait for, and how many of them.

    Attributes:
        waits_for: `carrier`, `line_of_business` or `effective_date`.
        benefitpoint_id: the carrier or product type; None for a date.
        name: its name in BenefitPoint.
        code: the code in the settings that AMS360 does not have.
        reason: a sentence that says what to do.
        plans: how many wait for it.
        since: since when the first of them waits.
        suggested: AMS360's code of exactly one company or line of business of that name, for a person to confirm.
    """

    waits_for: WaitsFor
    benefitpoint_id: int | None
    name: str | None
    code: str | None
    reason: str
    plans: int
    since: datetime
    suggested: str | None = None


def keep_waiting(connection: psycopg.Connection[Any], agency: str, waiting: Sequence[WaitingPlan]) -> None:
    """Write down which plans wait, and for what; those not named here wait no more. `since` stays.

    A plan that is in the outbox already does not wait, whatever the settings say now.

    Args:
        connection: inside a transaction that holds `lanes.lock`.
        agency: the agency id.
        waiting: everything that any plan of the agency waits for.
    """
    connection.execute(
        """with waiting as (
            select x.* from jsonb_to_recordset(%(waiting)s) x (plan_id int, waits_for text, account_id uuid,
                benefitpoint_id int, name text, code text, reason text, writeback_id uuid)
            where not exists (select from ops.writebacks w where w.agency = %(agency)s and w.writeback_id = x.writeback_id)),
        over as (
            delete from ops.waiting_plans p where agency = %(agency)s and not exists (select from waiting x
                where (x.plan_id, x.waits_for) = (p.benefitpoint_plan_id, p.waits_for)))
        insert into ops.waiting_plans as p
            (agency, benefitpoint_plan_id, waits_for, account_id, benefitpoint_id, name, code, reason)
        select %(agency)s, plan_id, waits_for, account_id, benefitpoint_id, name, code, reason from waiting
        on conflict (agency, benefitpoint_plan_id, waits_for) do update set account_id = excluded.account_id,
            benefitpoint_id = excluded.benefitpoint_id, name = excluded.name, code = excluded.code,
            reason = excluded.reason
        where (p.account_id, p.benefitpoint_id, p.name, p.code, p.reason) is distinct from
            (excluded.account_id, excluded.benefitpoint_id, excluded.name, excluded.code, excluded.reason)""",
        {
            "agency": agency,
            # One document: arrays of text would be quoted item by item.
            "waiting": Jsonb([_row(plan) for plan in waiting]),
        },
    )


def _row(plan: WaitingPlan) -> dict[str, Any]:
    named = plan.waiting.named
    return {
        "plan_id": plan.plan_id,
        "waits_for": plan.waiting.waits_for,
        "account_id": str(plan.account_id),
        "benefitpoint_id": named.id if named else None,
        "name": next(iter(named.names), None) if named else None,
        "code": plan.waiting.code,
        "reason": plan.waiting.reason,
        "writeback_id": str(plan.writeback_id),
    }


def missing_codes(connection: psycopg.Connection[Any], agency: str) -> list[MissingCode]:
    """What an agency's plans wait for, each once, with how many wait for it; most first.

    Equal names suggest a code; nothing is ever sent because of a suggestion.
    """
    rows = connection.execute(
        """select waits_for, benefitpoint_id, name, code, reason, count(*), min(since) from ops.waiting_plans
        where agency = %s group by 1, 2, 3, 4, 5 order by 6 desc, 1, 2""",
        (agency,),
    ).fetchall()
    codes = _codes_by_name(connection, agency) if rows else {}
    found = []
    for waits_for, key, name, code, reason, plans, since in rows:
        same = codes.get((waits_for, code_name_key(name or "")), [])
        suggested = same[0] if len(same) == 1 else None
        found.append(MissingCode(waits_for, key, name, code, reason, plans, since, suggested))
    return found


def settings_lines(missing: Iterable[MissingCode]) -> str:
    """The lines for agencies.yaml under `benefitpoint:`, as YAML; where no code is suggested, a person fills it in."""
    lines: list[str] = []
    listed = list(missing)
    for waits_for, key in SETTINGS.items():
        here = [code for code in listed if code.waits_for == waits_for]
        lines += [f"{key}:"] if here else []
        for code in here:
            named = _scalar(code.name or code.benefitpoint_id)
            remark = f"{code.plans:,} {'plan waits' if code.plans == 1 else 'plans wait'}; id {code.benefitpoint_id}"
            if code.code is not None:
                remark += f"; AMS360 does not have {code.code}"
            lines.append(f"  {named}: {_scalar(code.suggested) if code.suggested else ''}  # {remark}")
    return "\n".join(lines)


def _scalar(value: Any) -> str:
    written: str = yaml.safe_dump(value, allow_unicode=True, default_style='"' if isinstance(value, str) else None)
    return written.removesuffix("...\n").strip()


def _codes_by_name(connection: psycopg.Connection[Any], agency: str) -> Mapping[tuple[str, str], list[str]]:
    codes: dict[tuple[str, str], list[str]] = {}
    for waits_for, code, name in connection.execute(
        """select 'carrier', entity_id, payload ->> 'Name' from raw_ams360.companies
            where agency = %(agency)s and deleted_at is null and payload ->> 'IsInactive' is distinct from 'true'
        union all select 'line_of_business', entity_id, payload ->> 'Description' from raw_ams360.lines_of_business
            where agency = %(agency)s and deleted_at is null and payload ->> 'IsInactive' is distinct from 'true'""",
        {"agency": agency},
    ):
        codes.setdefault((waits_for, code_name_key(name or "")), []).append(code)
    return codes
