"""`mart.policies`: policies of AMS360 and plans of BenefitPoint, those that are one once; after `mart.accounts`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from ams_etl.rules.accounts.benefit_plans import (
    AccountPolicy,
    is_policy,
    named_by_plan,
    pair_plans,
    policy_from_ams360,
    policy_from_plan,
)
from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan
from ams_etl.rules.records.ams360 import Policy
from ams_etl.settings import BrakeSettings
from ams_etl.store.lease import Lease
from ams_etl.sync.accounts.apply_differences import Document, MartTable, add_rows, apply_differences
from ams_etl.sync.accounts.brake import stop_great_losses
from ams_etl.sync.change_counts import PublishCounts
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.raw.reference_names import load_reference

T = TypeVar("T", str, int)
_CHUNK = 5000
_COLUMNS = (
    "account_id", "origin", "policy_number", "status", "line_of_business", "carrier", "effective_date",
    "expiration_date", "is_continuous", "premium", "ams360_policy_id", "benefitpoint_plan_id",
)  # fmt: skip
TABLE = MartTable("policies", "policy", "policy_id", _COLUMNS)


@dataclass(frozen=True, slots=True)
class _Names:
    companies: Mapping[str, str]
    lines: Mapping[str, str]
    carriers: Mapping[int, str]
    product_types: Mapping[int, str]


def publish_policies(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    run_id: str | None = None,
    limits: BrakeSettings | None = None,
    lease: Lease | None = None,
) -> PublishCounts:
    """Bring `mart.policies` up to date for whatever was touched since the last time.

    Args:
        connection: autocommit; everything happens in one transaction.
        agency: the agency id.
        run_id: the Dagster run, for `mart.changes`.
        limits: the brake; None: past it.
        lease: `publish`; None where nobody else can be at work.

    Raises:
        LeaseLost: another one publishes this agency now.
        PermanentError: the brake stops it; everything stays as it was and is evaluated again by the next run.
    """
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        connection.execute("select pg_advisory_xact_lock(hashtextextended('accounts:' || %s, 0))", (agency,))
        policies, plans = _drain(connection, agency)
        if not policies and not plans:
            return PublishCounts(0, 0, 0)
        links = _links(connection, agency)
        pairs = _pairs(connection, agency, links)
        names = _names(connection, agency)
        _widen(connection, agency, policies, plans, pairs)
        before: dict[UUID, Document] = {}
        after: dict[UUID, Document] = {}
        new: list[str] = []
        for part in _chunks(sorted(policies)):
            rows = TABLE.read(connection, agency, "ams360_policy_id = any(%(ids)s)", {"ids": part})
            held = {row["ams360_policy_id"] for row in rows.values()}
            unpaired = {
                key for key in part if key not in held and key not in pairs.plan_of and key.lower() not in pairs.meaning
            }
            new += sorted(unpaired)
            before |= rows
            others = [key for key in part if key not in unpaired]
            after.update(_of_policies(connection, agency, others, pairs.plan_of, links, names))
        for numbers in _chunks(sorted(plans)):
            before |= TABLE.read(connection, agency, "benefitpoint_plan_id = any(%(ids)s)", {"ids": numbers})
            alone = [number for number in numbers if number not in pairs.policy_of]
            after.update(_of_plans(connection, agency, alone, names))
        if limits is not None:
            stop_great_losses(connection, agency, TABLE, before, after, limits)
        counts = apply_differences(connection, agency, TABLE, before, after, run_id)
        for part in _chunks(new):
            rows = dict(_of_policies(connection, agency, part, pairs.plan_of, links, names))
            counts += add_rows(connection, agency, TABLE, rows, run_id)
        return counts


def _drain(connection: psycopg.Connection[Any], agency: str) -> tuple[set[str], set[int]]:
    rows = connection.execute(
        """delete from stage.account_touches where agency = %s and kind in ('policy', 'plan', 'all_policies')
        returning kind, id""",
        (agency,),
    ).fetchall()
    policies = {key for kind, key in rows if kind == "policy"}
    plans = {int(key) for kind, key in rows if kind == "plan"}
    if any(kind == "all_policies" for kind, _ in rows):
        for policy_id, plan_id in connection.execute(
            """select entity_id, null::int from raw_ams360.policies where agency = %(agency)s
            union all select null, entity_id::int from raw_benefitpoint.plans where agency = %(agency)s
            union all select ams360_policy_id, benefitpoint_plan_id from mart.policies where agency = %(agency)s""",
            {"agency": agency},
        ):
            policies |= {policy_id} if policy_id is not None else set()
            plans |= {plan_id} if plan_id is not None else set()
    return policies, plans


def _links(connection: psycopg.Connection[Any], agency: str) -> dict[int, str]:
    return dict(
        connection.execute(
            "select benefitpoint_plan_id, ams360_policy_id from ops.plan_links where agency = %s", (agency,)
        ).fetchall()
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pair benefit plans with policies, both ways, and list the live plans of a policy (by its id in lower case)."""

    plan_of: Mapping[str, int]
    policy_of: Mapping[int, str]
    meaning: Mapping[str, Collection[int]]


def _pairs(connection: psycopg.Connection[Any], agency: str, links: Mapping[int, str]) -> _Pairs:
    """B5: over the whole agency, for plans that name a policy are few; only policies that have an account count."""
    plans = [
        (int(plan_id), named.strip("{}").lower() if named else None)
        for plan_id, named in connection.execute(
            """select entity_id, payload #>> '{policyIntegrationInfo,amsPolicyID}' from raw_benefitpoint.plans
            where agency = %s and deleted_at is null
                and (payload #>> '{policyIntegrationInfo,amsPolicyID}' is not null or entity_id::int = any(%s))""",
            (agency, list(links)),
        )
    ]
    wanted = {named for _, named in plans if named} | {policy_id.lower() for policy_id in links.values()}
    meaning: dict[str, set[int]] = defaultdict(set)
    for plan_id, named in plans:
        for key in (named, links.get(plan_id)):
            if key:
                meaning[key.lower()].add(plan_id)
    # Ids are stored as AMS360 sends them, in either case.
    rows = connection.execute(
        """select p.payload from raw_ams360.policies p
        join mart.accounts a on (a.agency, a.ams360_customer_id) = (p.agency, p.customer_id)
        where p.agency = %s and p.entity_id = any(%s) and p.deleted_at is null""",
        (agency, sorted(wanted | {key.upper() for key in wanted})),
    )
    live = [policy.policy_id for (payload,) in rows if is_policy(policy := Policy.from_payload(payload))]
    plan_of = pair_plans(plans, links, live)
    return _Pairs(plan_of, {plan_id: policy_id for policy_id, plan_id in plan_of.items()}, meaning)


def _widen(
    connection: psycopg.Connection[Any], agency: str, policies: set[str], plans: set[int], pairs: _Pairs
) -> None:
    """Add what was one with something touched, what is one with it now, and what would like to be."""
    size = -1
    while size != len(policies) + len(plans):
        size = len(policies) + len(plans)
        plans |= {plan_id for policy in policies for plan_id in pairs.meaning.get(policy.lower(), ())}
        policies |= {pairs.policy_of[plan_id] for plan_id in plans & pairs.policy_of.keys()}
        for policy_id, plan_id in connection.execute(
            """select ams360_policy_id, benefitpoint_plan_id from mart.policies
            where agency = %s and ams360_policy_id is not null and benefitpoint_plan_id is not null
                and (ams360_policy_id = any(%s) or benefitpoint_plan_id = any(%s))""",
            (agency, sorted(policies), sorted(plans)),
        ):
            policies.add(policy_id)
            plans.add(plan_id)


def _of_policies(
    connection: psycopg.Connection[Any],
    agency: str,
    ids: Sequence[str],
    plan_of: Mapping[str, int],
    links: Mapping[int, str],
    names: _Names,
) -> Iterator[tuple[UUID, Document]]:
    for payload, account_id in connection.execute(
        """select p.payload, a.account_id from raw_ams360.policies p
        join mart.accounts a on (a.agency, a.ams360_customer_id) = (p.agency, p.customer_id)
        where p.agency = %s and p.entity_id = any(%s) and p.deleted_at is null""",
        (agency, list(ids)),
    ):
        policy = Policy.from_payload(payload)
        if not is_policy(policy):
            continue
        plan_id = plan_of.get(policy.policy_id)
        understood = policy_from_ams360(
            policy, has_plan=plan_id is not None, companies=names.companies, lines=names.lines
        )
        yield (
            _policy_id(agency, policy.policy_id, plan_id, links),
            _document(understood, account_id, policy.policy_id, plan_id),
        )


def _of_plans(
    connection: psycopg.Connection[Any], agency: str, ids: Sequence[int], names: _Names
) -> Iterator[tuple[UUID, Document]]:
    for payload, account_id in connection.execute(
        """select p.payload, a.account_id from raw_benefitpoint.plans p
        join mart.accounts a on (a.agency, a.benefitpoint_account_id) = (p.agency, p.customer_id::int)
        where p.agency = %s and p.entity_id = any(%s) and p.deleted_at is null""",
        (agency, [str(policy_id) for policy_id in ids]),
    ):
        plan = BenefitPlan.from_payload(payload)
        understood = policy_from_plan(plan, carriers=names.carriers, product_types=names.product_types)
        yield _policy_id(agency, None, plan.plan_id, {}), _document(understood, account_id, None, plan.plan_id)


def _policy_id(agency: str, policy_id: str | None, plan_id: int | None, links: Mapping[int, str]) -> UUID:
    if named_by_plan(plan_id, policy_id, links):
        return candidate_id(agency, "benefitpoint", "plan", str(plan_id))
    return candidate_id(agency, "ams360", "policy", (policy_id or "").lower())


def _document(policy: AccountPolicy, account_id: UUID, policy_id: str | None, plan_id: int | None) -> Document:
    return {
        "account_id": str(account_id),
        "origin": policy.origin,
        "policy_number": policy.policy_number,
        "status": policy.status,
        "line_of_business": policy.line_of_business,
        "carrier": policy.carrier,
        "effective_date": _iso(policy.effective_date),
        "expiration_date": _iso(policy.expiration_date),
        "is_continuous": policy.is_continuous,
        # As jsonb returns it: a number.
        "premium": None if policy.premium is None else float(policy.premium),
        "ams360_policy_id": policy_id,
        "benefitpoint_plan_id": plan_id,
    }


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()


def _names(connection: psycopg.Connection[Any], agency: str) -> _Names:
    reference = load_reference(connection, agency)

    def named(table: str, member: str) -> dict[int, str]:
        rows = connection.execute(
            f"select entity_id::int, payload ->> '{member}' from raw_benefitpoint.{table} where agency = %s", (agency,)
        )
        return {key: str(name).replace("_", " ") for key, name in rows if name}

    return _Names(
        reference.companies,
        reference.lines_of_business,
        named("carriers", "carrierName"),
        named("product_types", "lineOfCoverage"),
    )


def _chunks(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
