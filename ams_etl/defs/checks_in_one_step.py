"""Several asset checks in one step: a step of its own costs each check two events more than its result, and an output."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse

Evaluate = Callable[[str, Warehouse, AgenciesFile], dg.AssetCheckResult]
"""What a check says of an agency."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check on a table and the function that evaluates it."""

    asset: dg.AssetKey
    name: str
    description: str
    evaluate: Evaluate

    @property
    def key(self) -> dg.AssetCheckKey:
        """Dagster's key of it."""
        return dg.AssetCheckKey(self.asset, self.name)


def in_one_step(name: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Return checks that are evaluated one after the other in a step of that name; any of them can be run alone.

    Where one raises, the others are evaluated nevertheless; then the step fails with the first error.
    """

    @dg.multi_asset_check(
        name=name,
        specs=[
            dg.AssetCheckSpec(
                check.name, asset=check.asset, description=check.description, partitions_def=agency_partitions
            )
            for check in checks
        ],
        can_subset=True,
    )
    def evaluate_all(
        context: dg.AssetCheckExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
    ) -> Iterator[dg.AssetCheckResult]:
        agency = agency_of(context)
        errors: list[Exception] = []
        for check in checks:
            if check.key not in context.selected_asset_check_keys:
                continue
            try:
                result = check.evaluate(agency, warehouse, agencies)
            except Exception as error:
                errors.append(error)
                context.log.exception("the check %s could not be evaluated", check.name)
                continue
            yield result._replace(asset_key=check.asset, check_name=check.name)
        if errors:
            raise errors[0]

    return evaluate_all
