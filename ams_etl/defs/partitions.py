"""One partition an agency, added from agencies.yaml."""

import dagster as dg

agency_partitions = dg.DynamicPartitionsDefinition(name="agency")
