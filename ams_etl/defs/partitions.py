"""One partition an agency, added from agencies.yaml."""

import dagster as dg

agency_partitions = dg.DynamicPartitionsDefinition(name="agency")


def agency_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> str:
    """Return the id of the agency that a run is for, which is its partition.

    Raises:
        dagster.Failure: the run was launched without one, which the Launchpad allows; it is not tried again.
    """
    if not context.has_partition_key:
        raise dg.Failure(
            "This run has no agency: choose one in the Launchpad's field Partition and launch it again.",
            allow_retries=False,
        )
    return str(context.partition_key)
