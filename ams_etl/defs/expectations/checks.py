"""An asset check for each suite that ams_etl ships, and one for all that an installation adds."""

from datetime import date

import dagster as dg

from ams_etl.defs.checks_in_one_step import Check, in_one_step
from ams_etl.defs.expectations.parameters import parameters_of, query_of
from ams_etl.defs.expectations.suites import Suite, own_folder, own_suites, shipped_suites
from ams_etl.defs.expectations.validation import SAMPLE, SuiteResult, validate
from ams_etl.defs.metadata import next_step, sample_with_why, table_of
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.errors import ConfigError
from ams_etl.settings import Agency

OWN_CHECK = "this_installations_own_expectations_hold"
_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


_MEND = "mend the file in $AMS_ETL_HOME/expectations/; the mistake says where it is"


@dg.definitions
def expectation_checks() -> dg.Definitions:
    """Define the checks; what the files of an installation say is read when a check runs."""
    return dg.Definitions(asset_checks=[in_one_step("expectations", checks())])


def checks() -> list[Check]:
    """Return a check for each shipped suite, and the one of an installation's own suites."""
    own = Check(
        dg.AssetKey(["mart", "contacts"]),
        OWN_CHECK,
        "Every suite of $AMS_ETL_HOME/expectations/ holds for the agency; passes where that folder has none.",
        own_expectations,
    )
    return [*(_check_of(suite) for suite in shipped_suites().values()), own]


def _check_of(shipped: Suite) -> Check:
    def evaluate(agency_id: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
        agency = agencies.agency(agency_id)
        suite = _in_place_of(shipped, agency)
        try:
            result = _validated(warehouse, suite, agency, agencies.today())
        except ConfigError as error:
            if suite is shipped:
                raise
            return dg.AssetCheckResult(
                passed=False, severity=dg.AssetCheckSeverity.WARN, description=str(error),
                metadata=next_step(_MEND, passed=False),
            )  # fmt: skip
        return dg.AssetCheckResult(
            passed=result.success,
            severity=_SEVERITIES[suite.about.severity],
            metadata={
                "rows": max((outcome.rows for outcome in result.outcomes), default=0),
                "violations": sum(outcome.unexpected for outcome in result.outcomes),
                "expectations": _rendered({suite.name: result}),
                "suite": dg.MetadataValue.text(str(suite.path)),
                **(_what_to_do(agencies, agency.id, list(result.ids)) if not result.success else {}),
            },
        )

    return Check(dg.AssetKey(shipped.about.asset.split("/")), shipped.name, shipped.notes, evaluate)


def _in_place_of(shipped: Suite, agency: Agency) -> Suite:
    """Return this installation's suite of that name, if it has one for the agency."""
    try:
        own = own_suites().get(shipped.name)
    except ConfigError:
        # The check of one's own suites says so.
        return shipped
    return own if own is not None and own.is_for(agency.id) else shipped


def own_expectations(agency_id: str, warehouse: Warehouse, agencies: AgenciesFile) -> dg.AssetCheckResult:
    """Validate what an agency's engineer added; a mistake in a file fails this check, never the sync."""
    agency = agencies.agency(agency_id)
    results: dict[str, SuiteResult] = {}
    mistakes: list[str] = []
    severity = dg.AssetCheckSeverity.WARN
    try:
        added = [
            suite for name, suite in own_suites().items() if name not in shipped_suites() and suite.is_for(agency.id)
        ]
    except ConfigError as error:
        added = []
        mistakes.append(str(error))
    for suite in added:
        try:
            results[suite.name] = _validated(warehouse, suite, agency, agencies.today())
        except ConfigError as error:
            mistakes.append(str(error))
            continue
        if not results[suite.name].success and suite.about.severity == "error":
            severity = dg.AssetCheckSeverity.ERROR
    ids = [each for result in results.values() for each in result.ids]
    passed = not mistakes and all(result.success for result in results.values())
    return dg.AssetCheckResult(
        passed=passed,
        severity=severity,
        metadata={
            "suites": len(added),
            "folder": dg.MetadataValue.text(str(own_folder())),
            **({"expectations": _rendered(results)} if results else {}),
            **({"mistakes": table_of(("mistake",), [(mistake,) for mistake in mistakes])} if mistakes else {}),
            **(_what_to_do(agencies, agency.id, ids) if not all(result.success for result in results.values()) else {}),
            **next_step(_MEND, passed=not mistakes),
        },
    )


def _validated(warehouse: Warehouse, suite: Suite, agency: Agency, today: date) -> SuiteResult:
    return validate(warehouse.url(), suite, query_of(suite.about.query, agency, today), parameters_of(agency))


def _rendered(results: dict[str, SuiteResult]) -> dg.MarkdownMetadataValue:
    """Great Expectations' result: a line per expectation, with its rule and how many rows do not meet it."""
    return table_of(
        ("suite", "rule", "expectation", "holds", "rows", "unexpected", "observed"),
        [
            (
                name, outcome.expectation.meta.rule, outcome.in_words, "yes" if outcome.success else "NO",
                outcome.rows, outcome.unexpected, outcome.observed,
            )
            for name, result in results.items()
            for outcome in result.outcomes
        ],
    )  # fmt: skip


def _what_to_do(agencies: AgenciesFile, agency: str, ids: list[str]) -> dict[str, dg.MetadataValue]:
    """Return the first ids that fail, each with what explains it, and the next step."""
    return {
        "sample_ids": sample_with_why(ids[:SAMPLE], agencies.read().pages.address, agency),
        "what_to_do": dg.MetadataValue.text(
            "open one of the ids: `why` names the source value and the rule; mend it in the source, or change the setting "
            "that the rule reads"
        ),
    }
