"""Which partial aggregates the streams write: the tables' columns and, per stream, one neutral aggregation for each table.

A condition that reads only key columns is applied when the partials are read, so that KPIs share columns; any other condition
is applied in the stream and becomes part of the column's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.model import CANARY
from contracts.types import StoredType
from kpis.model import BASE_DIMENSIONS, Measure, both, columns, conjuncts, slug

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.model import Entity, Kpi
    from kpis.registry import Definitions

WINDOW_SECONDS = 10
MINUTE = "event_time - MOD(event_time, 60000)"
LATEST_PREFIX = 43
"""Characters before the value in a `latest` text: event time, partition and offset, raised to a fixed number of digits, each with its separator."""

WINDOW_COLUMNS: Mapping[str, tuple[StoredType, str]] = {
    "lane": ("string", "Set of streams that one job reads."),
    "stream": ("string", "Stream the row was aggregated from."),
    "window_start": ("timestamptz", "Start of the append-time window."),
    "window_end": ("timestamptz", "End of the append-time window, exclusive."),
}


@dataclass(frozen=True)
class Column:
    """One column of a partial table: its stored type, its meaning, and whether rows are folded by adding it up.

    What is not additive (least, greatest, latest) is idempotent: the same event twice changes nothing of it.
    """

    type: StoredType
    comment: str
    is_additive: bool = False


ADDITIVE = frozenset({"count", "sum"})
EVENTS = Column("long", "Events.", is_additive=True)


@dataclass(frozen=True)
class Aggregation:
    """`SELECT keys, measures FROM stream WHERE where GROUP BY keys`, per window, in expressions every engine understands."""

    stream: str
    keys: Mapping[str, str]
    measures: Mapping[str, str]
    where: str | None = None


@dataclass(frozen=True)
class PartialTable:
    """One table of partial aggregates and what each stream adds to it."""

    name: str
    columns: Mapping[str, Column]
    keys: tuple[str, ...]
    aggregations: tuple[Aggregation, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the columns that are folded."""
        return tuple(name for name in self.columns if name not in self.keys and name not in WINDOW_COLUMNS)

    @property
    def additive(self) -> tuple[str, ...]:
        """Names of the columns that are folded by adding."""
        return tuple(name for name, column in self.columns.items() if column.is_additive)

    def is_fed_by(self, stream: str) -> bool:
        """True when rows of the stream, its canaries at least, come in every window."""
        return any(aggregation.stream == stream for aggregation in self.aggregations)


@dataclass(frozen=True)
class Reading:
    """How a KPI measure is read back: the partial column and the condition on key columns."""

    column: str
    where: str | None


def plan(contracts: Registry, definitions: Definitions) -> dict[str, PartialTable]:
    """Every partial table by name: `kpis`, `histograms` and one per entity."""
    tables = [_kpis(contracts, definitions), _histograms(contracts, definitions)]
    tables += [_entity(entity, contracts) for entity in definitions.entities.values()]
    return {table.name: table for table in tables}


def reading(measure: Measure, keys: frozenset[str]) -> Reading:
    """Split a measure's condition into what is applied in the stream and what is applied to the key columns."""
    parts = conjuncts(measure.where)
    late = tuple(part for part in parts if columns(part) <= keys)
    early = " AND ".join(part for part in parts if part not in late)
    where = " AND ".join(late) or None
    if measure.kind == "count":
        return Reading(f"count_{slug(early)}" if early else "n", where)
    suffix = f"_if_{slug(early)}" if early else ""
    return Reading(f"{measure.kind}_{slug(measure.value or '')}{suffix}", where)


def stream_keys(stream: Stream, kpis: tuple[Kpi, ...]) -> tuple[str, ...]:
    """Key columns of a stream's rows in `partials.kpis` beyond window, minute, event type and base dimensions."""
    counted = [kpi for kpi in kpis if not kpi.histogram]
    named = {dimension for kpi in counted for dimension in kpi.dimensions}
    read = {name for kpi in counted for measure in kpi.measures.values() for name in columns(kpi.narrowed(measure).where or "1")}
    flags = {name for name in read if stream.fields[name].type == "boolean"}
    return tuple(sorted(named | flags))


def key_columns(stream: Stream) -> frozenset[str]:
    """Columns that a condition may be applied to when partials are read: keys whatever KPIs there are, once one reads them."""
    flags = (name for name, field in stream.fields.items() if field.type == "boolean")
    return frozenset({"event_type", *BASE_DIMENSIONS, *flags})


def measure_sql(measure: Measure) -> str:
    """The aggregate expression of a measure; its condition, if any, inside.

    Raises:
        ValueError: the kind has no aggregate of its own (a histogram is a key, presence a table).
    """
    if measure.kind == "count":
        return f"COUNT(CASE WHEN {measure.where} THEN 1 END)" if measure.where else "COUNT(*)"
    if measure.kind in {"histogram", "presence"}:
        message = f"a {measure.kind} is not an aggregate expression"
        raise ValueError(message)
    value, where = measure.value or "", measure.where
    if measure.kind == "latest":
        where, value = both(where, f"{value} IS NOT NULL"), _sortable(value)
    function = {"sum": "SUM", "min": "MIN", "max": "MAX", "latest": "MAX"}[measure.kind]
    return f"{function}(CASE WHEN {where} THEN {value} END)" if where else f"{function}({value})"


def bucket_sql(value: str) -> str:
    """Log bucket of a value in whole units: 0 below one, else b with 1.02^(b-1) <= value < 1.02^b."""
    return f"CASE WHEN {value} < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST({value} AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END"


def _kpis(contracts: Registry, definitions: Definitions) -> PartialTable:
    dimensions: dict[str, Column] = {}
    measures: dict[str, Column] = {}
    aggregations = []
    for stream in contracts.streams.values():
        kpis = definitions.of_stream(stream.name)
        extra = stream_keys(stream, kpis)
        sums = _sums(stream, kpis)
        dimensions |= {name: _dimension(stream, name) for name in extra}
        measures |= {name: Column("long", _meaning(measure, stream), measure.kind in ADDITIVE) for name, measure in sums.items()}
        keys = {"minute": MINUTE, "event_type": "event_type"} | {name: name for name in (*BASE_DIMENSIONS, *extra)}
        folded = {"n": "COUNT(*)"} | {name: measure_sql(measure) for name, measure in sums.items()}
        aggregations.append(Aggregation(stream.name, keys, folded))
    fixed = _base_columns("event_type", "Event type of the counted events.")
    table_columns = fixed | dict(sorted(dimensions.items())) | {"n": EVENTS} | dict(sorted(measures.items()))
    return PartialTable("kpis", table_columns, ("minute", "event_type", *BASE_DIMENSIONS, *sorted(dimensions)), tuple(aggregations))


def _sums(stream: Stream, kpis: tuple[Kpi, ...]) -> dict[str, Measure]:
    keys = key_columns(stream)
    found: dict[str, Measure] = {}
    for kpi in kpis:
        for measure in kpi.measures.values():
            if measure.kind in {"histogram", "presence"}:
                continue
            narrowed = kpi.narrowed(measure)
            read = reading(narrowed, keys)
            early = " AND ".join(part for part in conjuncts(narrowed.where) if not columns(part) <= keys)
            if read.column != "n":
                found[read.column] = measure.model_copy(update={"where": early or None})
    return dict(sorted(found.items()))


def _histograms(contracts: Registry, definitions: Definitions) -> PartialTable:
    dimensions: dict[str, Column] = {}
    aggregations = []
    for stream in contracts.streams.values():
        base = {"minute": MINUTE}
        canary = base | {"kpi": f"'{CANARY}'"} | {name: name for name in BASE_DIMENSIONS} | {"bucket": "0"}
        aggregations.append(Aggregation(stream.name, canary, {"n": "COUNT(*)"}, f"event_type = '{CANARY}'"))
        for kpi in definitions.of_stream(stream.name):
            histogram = kpi.histogram
            if histogram is None or histogram.value is None:
                continue
            dimensions |= {name: _dimension(stream, name) for name in kpi.dimensions}
            names = {name: name for name in (*BASE_DIMENSIONS, *kpi.dimensions)}
            keys = base | {"kpi": f"'{kpi.name}'"} | names | {"bucket": bucket_sql(histogram.value)}
            known = " AND ".join(f"{name} IS NOT NULL" for name in sorted(columns(histogram.value)) if name != "event_time")
            aggregations.append(Aggregation(stream.name, keys, {"n": "COUNT(*)"}, both(histogram.where, known or None)))
    tail = {"bucket": Column("int", "Log bucket: 0 below one, else b with 1.02^(b-1) <= value < 1.02^b."), "n": EVENTS}
    table_columns = _base_columns("kpi", "KPI whose values are counted.") | dict(sorted(dimensions.items())) | tail
    return PartialTable("histograms", table_columns, ("minute", "kpi", *BASE_DIMENSIONS, *sorted(dimensions), "bucket"), tuple(aggregations))


def _entity(entity: Entity, contracts: Registry) -> PartialTable:
    aggregations = []
    for name, measures in entity.streams.items():
        keys = {"is_canary": f"event_type = '{CANARY}'", "tenant_id": "tenant_id", entity.key: entity.key}
        folded = {"n": "COUNT(*)"} | {column: measure_sql(measure) for column, measure in measures.items()}
        known = None if entity.key in _always_carried(contracts.streams[name]) else f"{entity.key} IS NOT NULL"
        aggregations.append(Aggregation(name, keys, folded, known))
    table_columns = _window_columns() | {
        "is_canary": Column("boolean", "True for the canaries' own row."),
        "tenant_id": Column("string", "Customer account."),
        entity.key: Column("string", f"Identifies one of the {entity.name}."),
        "n": EVENTS,
    }
    stored: dict[str, Column] = {}
    for name, column in entity.columns.items():
        latest = entity.kind_of(name) == "latest"
        note = " Epoch milliseconds." if column.type == "time" else " Billionths of a dollar." if column.type == "money" else ""
        note = " Prefixed with event time, partition and offset." if latest else note
        stored[name] = Column("string" if latest else "long", column.description + note, entity.kind_of(name) in ADDITIVE)
    return PartialTable(entity.name, table_columns | stored, ("is_canary", "tenant_id", entity.key), tuple(aggregations))


def _always_carried(stream: Stream) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(event.required) for event in stream.event_types.values()))


def _window_columns() -> dict[str, Column]:
    return {name: Column(kind, comment) for name, (kind, comment) in WINDOW_COLUMNS.items()}


def _base_columns(subject: str, comment: str) -> dict[str, Column]:
    minute = {"minute": Column("timestamptz", "Minute of event time."), subject: Column("string", comment)}
    return _window_columns() | minute | {name: Column("string", f"Base dimension {name}.") for name in BASE_DIMENSIONS}


def _dimension(stream: Stream, name: str) -> Column:
    field = stream.fields[name]
    return Column("boolean" if field.type == "boolean" else "string", field.description)


def _meaning(measure: Measure, stream: Stream) -> str:
    money = any(stream.fields[name].type == "money" for name in columns(measure.value or "1"))
    what = f"{measure.kind.capitalize()} of {measure.value}" if measure.value else "Count"
    return what + (f" where {measure.where}" if measure.where else "") + (" in billionths of a dollar." if money else ".")


def _sortable(value: str) -> str:
    place = f"CAST({10**13} + event_time AS STRING) || ':' || CAST({10**6} + partition AS STRING) || ':' || CAST({10**18} + offset AS STRING)"
    return f"{place} || ':' || CAST({value} AS STRING)"
