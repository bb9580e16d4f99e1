"""Every Iceberg table of the lakehouse, derived from contracts and definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.iceberg.tables import ColumnSpec, TableSpec
from contracts.datasets import audit_of, partial_of
from kpis.partials import PartialTable, plan
from transforms.journal import landed_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.datasets import Dataset
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


def all_tables(contracts: Registry, definitions: Definitions) -> tuple[TableSpec, ...]:
    """Specifications of every table, in the order in which they are created."""
    partials = plan(contracts, definitions).values()
    return (
        *(journal_table(stream) for stream in contracts.streams.values()),
        *(partial_table(table) for table in partials),
        *(audit_table(table) for table in partials),
        *(spec for dataset in contracts.datasets.values() for spec in dataset_tables(dataset, contracts.streams)),
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
    return TableSpec(partial_of(table.name), _partial_columns(table), ("window_start", "hour"), ("window_start", "window_end"))


def audit_table(table: PartialTable) -> TableSpec:
    """The audit's rows for a partial table: the same columns and why they are there."""
    return TableSpec(audit_of(table.name), (*_partial_columns(table), *AUDIT_COLUMNS), None, ("window_start", "visible_from"), properties=ONE_WRITER)


def dataset_tables(dataset: Dataset, streams: Iterable[str]) -> tuple[TableSpec, ...]:
    """The table of a dataset, or those of the streams."""
    names = tuple(f"{dataset.name}_{stream}" for stream in streams) if dataset.per == "stream" else (dataset.name,)
    columns = tuple(ColumnSpec(column.name, column.type, column.required, column.description) for column in dataset.columns.values())
    partition = (dataset.partition.column, dataset.partition.by) if dataset.partition else None
    properties = ONE_WRITER if dataset.writer == "audit" else {}
    return tuple(TableSpec(name, columns, partition, dataset.statistics, properties, dataset.tagged) for name in names)


def _partial_columns(table: PartialTable) -> tuple[ColumnSpec, ...]:
    return tuple(ColumnSpec(name, column.type, comment=column.comment) for name, column in table.columns.items())
