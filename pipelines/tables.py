"""Every Iceberg table of the lakehouse, derived from contracts and definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.iceberg.tables import ColumnSpec, TableSpec
from kpis.partials import PartialTable, plan
from transforms.journal import landed_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.registry import Definitions

ONE_WRITER: Mapping[str, str] = {"commit.retry.num-retries": "0", "commit.manifest-merge.enabled": "true"}
"""Of the tables that only the audit writes, with pyiceberg: unlike Flink's writer it would repeat a commit that lost a race on top
of the one that won, and leave a manifest for every commit."""
AUDIT_COLUMNS = (
    ColumnSpec("kind", "string", comment="adjustment, replacement, supplement or held."),
    ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ColumnSpec("visible_from", "timestamptz", comment="Readers apply the row once the stream's windows reach this end."),
)
DUPLICATE_COLUMNS = (
    ColumnSpec("topic", "string", comment="Kafka topic of the repeat."),
    ColumnSpec("partition", "int", comment="Kafka partition of the repeat."),
    ColumnSpec("offset", "long", comment="Kafka offset of the repeat."),
    ColumnSpec("appended_at", "timestamptz", comment="When the broker appended the repeat."),
    ColumnSpec("winner_partition", "int", comment="Kafka partition of the delivery that counts."),
    ColumnSpec("winner_offset", "long", comment="Kafka offset of the delivery that counts."),
    ColumnSpec("conflicting", "boolean", comment="True when the repeat carries another payload, also when a field was added in between."),
    ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
)
QUARANTINE = TableSpec(
    "ops.quarantine",
    (
        ColumnSpec("topic", "string", comment="Kafka topic."),
        ColumnSpec("partition", "int", comment="Kafka partition."),
        ColumnSpec("offset", "long", comment="Kafka offset."),
        ColumnSpec("appended_at", "timestamptz", comment="When the broker appended the record."),
        ColumnSpec("reason", "string", comment="Reason code of the validator."),
        ColumnSpec("field", "string", comment="Field that broke the contract."),
        ColumnSpec("contract_version", "string", comment="Version of the stream's contract."),
        ColumnSpec("key", "binary", comment="Record key, encrypted."),
        ColumnSpec("value", "binary", comment="Record value, encrypted; null for a record without a value."),
        ColumnSpec("quarantined_at", "timestamptz", comment="When the audit read the record again."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    statistics=("appended_at", "offset"),
    properties=ONE_WRITER,
)
COMPLETENESS = TableSpec(
    "ops.completeness",
    (
        ColumnSpec("topic", "string", comment="Kafka topic."),
        ColumnSpec("partition", "int", comment="Kafka partition."),
        ColumnSpec("first_offset", "long", comment="First offset accounted for."),
        ColumnSpec("next_offset", "long", comment="First offset not yet accounted for."),
        ColumnSpec("journaled", "long", comment="Offsets of the stream's range that are in the journal."),
        ColumnSpec("quarantined", "long", comment="Offsets that are quarantined."),
        ColumnSpec("absent", "long", comment="Offsets without a record: transaction marker, compacted or expired."),
        ColumnSpec("accounted_at", "timestamptz", comment="When the audit recorded the range."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    properties=ONE_WRITER,
    is_tagged=False,
)
RECONCILIATION = TableSpec(
    "ops.reconciliation",
    (
        ColumnSpec("table_name", "string", comment="Partial table."),
        ColumnSpec("stream", "string", comment="Stream."),
        ColumnSpec("verdict", "string", comment="stand, duplicate, clash, double_commit, late, supplement or none."),
        ColumnSpec("windows", "long", comment="Windows with that verdict; rows for a supplement."),
        ColumnSpec("window_end", "timestamptz", comment="End of the newest window of the cycle."),
        ColumnSpec("reconciled_at", "timestamptz", comment="When the audit compared the two computations."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    properties=ONE_WRITER,
    is_tagged=False,
)
AUDITS = TableSpec(
    "ops.audits",
    (
        ColumnSpec("dataset", "string", comment="Audited table."),
        ColumnSpec("snapshot_id", "long", comment="Snapshot that readers see."),
        ColumnSpec("verdict", "string", comment="pass or held."),
        ColumnSpec("audited_at", "timestamptz", comment="When the snapshot was published."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    properties=ONE_WRITER,
    is_tagged=False,
)
INCIDENTS = TableSpec(
    "ops.incidents",
    (
        ColumnSpec("stream", "string", comment="Stream in trouble."),
        ColumnSpec("kind", "string", comment="What went wrong: the reason of a hold, lost, lag."),
        ColumnSpec("detail", "string", comment="The same as a sentence."),
        ColumnSpec("topic", "string", comment="Kafka topic, where the incident is at a place in it."),
        ColumnSpec("partition", "int", comment="Kafka partition."),
        ColumnSpec("first_offset", "long", comment="First offset concerned."),
        ColumnSpec("last_offset", "long", comment="Last offset concerned; a range that grows has a row for each length."),
        ColumnSpec("opened_at", "timestamptz", comment="When the audit found it first."),
        ColumnSpec("closed_at", "timestamptz", comment="When it healed or was acknowledged; null in the rows of its opening."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    properties=ONE_WRITER,
    is_tagged=False,
)
DATASET_STATUS = TableSpec(
    "ops.dataset_status",
    (
        ColumnSpec("dataset", "string", comment="Served dataset."),
        ColumnSpec("stream", "string", comment="Stream it is made from."),
        ColumnSpec("facts_through", "timestamptz", comment="J: newest append time up to which facts are complete and free of duplicates."),
        ColumnSpec("kpis_through", "timestamptz", comment="W: end of the newest window in the numbers."),
        ColumnSpec("verdict", "string", comment="pass, alarm, incomplete or held."),
        ColumnSpec("reason", "string", comment="Reason of the hold, or kind of the incident."),
        ColumnSpec("freshness_seconds", "long", comment="Promise: the greatest age of the newest data."),
        ColumnSpec("contract_version", "string", comment="Version of the contract."),
        ColumnSpec("snapshot_id", "long", comment="Snapshot of the table it is read from."),
        ColumnSpec("published_at", "timestamptz", comment="When this state was published."),
        ColumnSpec("cycle", "long", comment="Audit cycle that wrote the row."),
    ),
    properties=ONE_WRITER,
    is_tagged=False,
)
DEFINITIONS = TableSpec(
    "ops.deployed_sources",
    (
        ColumnSpec("sources_hash", "string", comment="Fingerprint of the sources."),
        ColumnSpec("sources", "string", comment="The contracts and definitions that it was made from, as JSON: text by path."),
        ColumnSpec("recorded_at", "timestamptz", comment="When it was deployed first."),
    ),
    is_tagged=False,
)
DEPLOYMENTS = TableSpec(
    "ops.deployments",
    (
        ColumnSpec("lane", "string", comment="Set of streams that the job reads."),
        ColumnSpec("job_id", "string", comment="Flink job."),
        ColumnSpec("sources_hash", "string", comment="Fingerprint of the contracts and definitions; their text is in ops.deployed_sources."),
        ColumnSpec("statements_hash", "string", comment="Hash of the job's SQL without its start positions."),
        ColumnSpec("contract_versions", "string", comment="Contract version per stream, as JSON."),
        ColumnSpec("starts", "string", comment="First offsets and first windows per stream, as JSON."),
        ColumnSpec("deployed_at", "timestamptz", comment="When the job was submitted."),
    ),
    is_tagged=False,
)


def all_tables(contracts: Registry, definitions: Definitions) -> tuple[TableSpec, ...]:
    """Specifications of every table, in the order in which they are created."""
    partials = plan(contracts, definitions).values()
    return (
        *(journal_table(stream) for stream in contracts.streams.values()),
        *(partial_table(table) for table in partials),
        *(audit_table(table) for table in partials),
        *(duplicates_table(stream) for stream in contracts.streams.values()),
        *(QUARANTINE, COMPLETENESS, RECONCILIATION, AUDITS, INCIDENTS, DATASET_STATUS, DEFINITIONS, DEPLOYMENTS),
    )


def audited_tables(contracts: Registry, definitions: Definitions) -> tuple[TableSpec, ...]:
    """Those that views read at the tag."""
    return tuple(spec for spec in all_tables(contracts, definitions) if spec.is_tagged)


def journal_table(stream: Stream) -> TableSpec:
    """The append-only journal of a stream, partitioned by day of event time."""
    columns = tuple(ColumnSpec(column.name, column.type, comment=column.comment) for column in landed_columns(stream))
    return TableSpec(stream.journal, columns, ("event_time", "day"), ("partition", "offset", "appended_at", "event_time"))


def partial_table(table: PartialTable) -> TableSpec:
    """A table of partial aggregates, partitioned by hour of the append-time window."""
    return TableSpec(f"partials.{table.name}", _partial_columns(table), ("window_start", "hour"), ("window_start", "window_end"))


def audit_table(table: PartialTable) -> TableSpec:
    """The audit's rows for a partial table: the same columns and why they are there."""
    return TableSpec(f"audit.{table.name}", (*_partial_columns(table), *AUDIT_COLUMNS), None, ("window_start", "visible_from"), properties=ONE_WRITER)


def duplicates_table(stream: Stream) -> TableSpec:
    """The deliveries of a stream that repeat an earlier one."""
    return TableSpec(stream.duplicates, DUPLICATE_COLUMNS, None, ("partition", "offset", "appended_at"), properties=ONE_WRITER)


def _partial_columns(table: PartialTable) -> tuple[ColumnSpec, ...]:
    return tuple(ColumnSpec(name, column.type, comment=column.comment) for name, column in table.columns.items())
