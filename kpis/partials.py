"""Which partial aggregates the streams write: the tables' columns and, per stream, one neutral aggregation for each table.

A condition that reads only key columns is applied when the partials are read, so that KPIs share columns; any other condition
is applied in the stream and becomes part of the column's name. What a row holds is named by its meaning: an edited expression is
a new column, a histogram or a column of an entity that is told otherwise has another fingerprint, so old rows never mix with new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from contracts.identifiers import literal
from contracts.model import CANARY
from contracts.types import StoredType
from kpis.events import event_types
from kpis.expressions import Expression, all_of, fill, fingerprint, of
from kpis.model import BASE_DIMENSIONS, Measure
from kpis.names import column_of, meaning_of
from kpis.values import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.model import Entity, Kpi
    from kpis.registry import Definitions

WINDOW_SECONDS = 10
MINUTE = fill("event_time - MOD(event_time, 60000)")
LATEST_PREFIX = 15
"""Characters before the value in a `latest` text: the event time, raised to a fixed number of digits, and a separator."""
RANKS = 16
"""A `latest` measure with ranks is one number, the event time times this plus the rank."""

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
    """`SELECT keys, measures FROM stream WHERE where GROUP BY keys`, per window, in expressions every engine understands.

    With `buckets` (by stored name of a KPI, the bucket of its value, NULL for an event that it does not count) an event that meets
    `where` is counted once for each bucket that is not NULL; `kpi` and `bucket` are then columns that the keys may read.
    """

    stream: str
    keys: Mapping[str, Expression]
    measures: Mapping[str, Expression]
    where: Expression | None = None
    buckets: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """Names of the stream's columns that it reads."""
        read = [*self.keys.values(), *self.measures.values(), *self.buckets.values(), *([self.where] if self.where else [])]
        return frozenset[str]().union(*(expression.columns for expression in read)) - (BUCKET_COLUMNS if self.buckets else frozenset())


BUCKET_COLUMNS = frozenset({"kpi", "bucket"})


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

    def reads(self, stream: str) -> frozenset[str]:
        """Names of the columns of a stream that it is made from."""
        return frozenset[str]().union(*(aggregation.columns for aggregation in self.aggregations if aggregation.stream == stream))


@dataclass(frozen=True)
class Reading:
    """How a KPI measure is read back: the partial column and the condition on key columns."""

    column: str
    where: Expression | None


def plan(contracts: Registry, definitions: Definitions) -> dict[str, PartialTable]:
    """Every partial table by name: `kpis`, `histograms` and one per entity."""
    tables = [_kpis(contracts, definitions), _histograms(contracts, definitions)]
    tables += [_entity(entity, contracts) for entity in definitions.entities.values()]
    return {table.name: table for table in tables}


def reading(measure: Measure, keys: frozenset[str]) -> Reading:
    """Split a measure's condition into what is applied in the stream and what is applied to the key columns."""
    late = [part for part in (measure.where.conjuncts if measure.where else ()) if part.columns <= keys]
    return Reading(column_of(stored(measure, keys)), all_of(*late))


def stored(measure: Measure, keys: frozenset[str]) -> Measure:
    """The measure with that part of its condition which is applied in the stream."""
    early = [part for part in (measure.where.conjuncts if measure.where else ()) if not part.columns <= keys]
    return measure.model_copy(update={"where": all_of(*early)})


def stored_kpi(kpi: Kpi) -> str:
    """What the rows of a histogram KPI are called where they are stored."""
    meaning = meaning_of(kpi.histogram) if kpi.histogram else ""
    return f"{kpi.name}:{fingerprint(kpi.stream, meaning, *kpi.dimensions)}"


def stored_column(name: str, measure: Measure) -> str:
    """What a stream's contribution to a column of an entity is called where it is stored."""
    return f"{name}_{fingerprint(meaning_of(measure))}"


def stream_keys(stream: Stream, kpis: tuple[Kpi, ...]) -> dict[str, Expression]:
    """Key columns of a stream's rows in `partials.kpis` beyond window, minute, event type and base dimensions.

    Each is NULL on event types of which no KPI needs it, so that those make no more rows than they must.
    """
    needed: dict[str, set[str]] = {}
    for kpi in kpis:
        if kpi.histogram is None:
            read = frozenset[str]().union(*(kpi.narrowed(measure).columns for measure in kpi.measures.values()))
            for name in {*kpi.dimensions, *(name for name in read if stream.fields[name].type == "boolean")}:
                needed.setdefault(name, set()).update(event_types(kpi, stream))
    return {name: _kept_on(stream, name, events) for name, events in sorted(needed.items())}


def _kept_on(stream: Stream, name: str, events: set[str]) -> Expression:
    if all(event in events for event, told in stream.event_types.items() if name in told.carried):
        return column(name)
    return fill(f"CASE WHEN event_type IN ({_texts(event for event in stream.event_types if event in events)}) THEN {name} END")


def key_columns(stream: Stream) -> frozenset[str]:
    """Columns that a condition may be applied to when partials are read: keys whatever KPIs there are, once one reads them."""
    flags = (name for name, told in stream.fields.items() if told.type == "boolean")
    return frozenset({"event_type", *BASE_DIMENSIONS, *flags})


def measure_sql(measure: Measure) -> Expression:
    """The aggregate expression of a measure; its condition, if any, inside.

    Raises:
        ValueError: the kind has no aggregate of its own (a histogram is a key, presence a table).
    """
    value, where = measure.value, measure.where
    match measure.kind:
        case "count":
            return fill("COUNT(CASE WHEN condition THEN 1 END)", condition=where) if where else fill("COUNT(*)")
        case "latest":
            where = where if measure.rank else all_of(where, fill("x IS NOT NULL", x=value))
            value = _sortable(measure)
            function = "MAX"
        case "sum" | "min" | "max":
            function = measure.kind.upper()
        case _:
            message = f"a {measure.kind} is not an aggregate expression"
            raise ValueError(message)
    return fill(f"{function}(CASE WHEN condition THEN x END)" if where else f"{function}(x)", condition=where, x=value)


def bucket_sql(value: Expression) -> Expression:
    """Log bucket of a value in whole units: 0 below one, else b with 1.02^(b-1) <= value < 1.02^b."""
    return fill("CASE WHEN x < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(x AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END", x=value)


def column(name: str) -> Expression:
    """A column as an expression."""
    return of(exp.column(name))


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
        keys = {"minute": MINUTE} | {name: column(name) for name in ("event_type", *BASE_DIMENSIONS)} | extra
        folded = {"n": fill("COUNT(*)")} | {name: measure_sql(measure) for name, measure in sums.items()}
        aggregations.append(Aggregation(stream.name, keys, folded))
    fixed = _base_columns("event_type", "Event type of the counted events.")
    table_columns = fixed | dict(sorted(dimensions.items())) | {"n": EVENTS} | dict(sorted(measures.items()))
    return PartialTable("kpis", table_columns, ("minute", "event_type", *BASE_DIMENSIONS, *sorted(dimensions)), tuple(aggregations))


def _sums(stream: Stream, kpis: tuple[Kpi, ...]) -> dict[str, Measure]:
    keys = key_columns(stream)
    counted = [kpi.narrowed(measure) for kpi in kpis for measure in kpi.measures.values() if measure.kind != "histogram"]
    found = {column_of(one): one for one in (stored(measure, keys) for measure in counted)}
    return {name: measure for name, measure in sorted(found.items()) if name != "n"}


def _histograms(contracts: Registry, definitions: Definitions) -> PartialTable:
    """One aggregation per stream, however many KPIs it has: another one would be operators and state of its own."""
    dimensions: dict[str, Column] = {}
    aggregations = []
    for stream in contracts.streams.values():
        kpis = [kpi for kpi in definitions.of_stream(stream.name) if kpi.histogram]
        own = {name: _dimension(stream, name) for name in sorted({name for kpi in kpis for name in kpi.dimensions})}
        dimensions |= own
        buckets = {CANARY: fill(f"CASE WHEN event_type = '{CANARY}' THEN 0 END")} | {stored_kpi(kpi): _bucket(kpi, stream) for kpi in kpis}
        keys = {"minute": MINUTE, "kpi": column("kpi")} | {name: column(name) for name in BASE_DIMENSIONS}
        keys |= {name: _kept_for(name, [kpi for kpi in kpis if name in kpi.dimensions]) for name in own} | {"bucket": column("bucket")}
        counted = {CANARY, *(event for kpi in kpis for event in event_types(kpi, stream))}
        any_counts = fill(f"event_type IN ({_texts(event for event in stream.event_types if event in counted)})")
        aggregations.append(Aggregation(stream.name, keys, {"n": fill("COUNT(*)")}, any_counts, buckets))
    tail = {"bucket": Column("int", "Log bucket: 0 below one, else b with 1.02^(b-1) <= value < 1.02^b."), "n": EVENTS}
    table_columns = _base_columns("kpi", "KPI whose values are counted, and what it meant.") | dict(sorted(dimensions.items())) | tail
    return PartialTable("histograms", table_columns, ("minute", "kpi", *BASE_DIMENSIONS, *sorted(dimensions), "bucket"), tuple(aggregations))


def _bucket(kpi: Kpi, stream: Stream) -> Expression:
    """The bucket of a histogram KPI's value; NULL for what it does not count, as for a value that is NULL."""
    histogram = kpi.histogram
    if histogram is None or histogram.value is None:
        message = f"{kpi.name}: has no histogram"
        raise ValueError(message)
    names_events = histogram.where is not None and histogram.where.values_of("event_type") is not None
    of_events = None if names_events else fill(f"event_type IN ({_texts(event_types(kpi, stream))})")
    return fill("CASE WHEN condition THEN bucket END", condition=all_of(histogram.where, of_events), bucket=bucket_sql(histogram.value))


def _kept_for(name: str, kpis: Iterable[Kpi]) -> Expression:
    return fill(f"CASE WHEN kpi IN ({_texts(map(stored_kpi, kpis))}) THEN {name} END")


def _entity(entity: Entity, contracts: Registry) -> PartialTable:
    aggregations = []
    for name, measures in entity.streams.items():
        keys = {"is_canary": fill(f"event_type = '{CANARY}'"), "tenant_id": column("tenant_id"), entity.key: column(entity.key)}
        folded = {"n": fill("COUNT(*)")} | {stored_column(public, measure): measure_sql(measure) for public, measure in measures.items()}
        known = None if entity.key in _always_carried(contracts.streams[name]) else fill(f"{entity.key} IS NOT NULL")
        aggregations.append(Aggregation(name, keys, folded, known))
    table_columns = _window_columns() | {
        "is_canary": Column("boolean", "True for the canaries' own row."),
        "tenant_id": Column("string", "Customer account."),
        entity.key: Column("string", f"Identifies one of the {entity.name}."),
        "n": EVENTS,
    }
    for name in entity.columns:
        table_columns |= {stored_column(name, measure): _entity_column(entity, name) for measure in entity.measures_of(name)}
    return PartialTable(entity.name, table_columns, ("is_canary", "tenant_id", entity.key), tuple(aggregations))


def _entity_column(entity: Entity, name: str) -> Column:
    told, ranks = entity.columns[name], entity.rank_of(name)
    note = {"time": " Epoch milliseconds.", "money": " Billionths of a dollar."}.get(told.type, "")
    if entity.kind_of(name) == "latest":
        note = f" Event time times {RANKS} plus rank." if ranks else " Prefixed with event time."
    return Column("string" if told.type == "string" and not ranks else "long", told.description + note, entity.kind_of(name) in ADDITIVE)


def _always_carried(stream: Stream) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(event.required) for event in stream.event_types.values()))


def _window_columns() -> dict[str, Column]:
    return {name: Column(kind, comment) for name, (kind, comment) in WINDOW_COLUMNS.items()}


def _base_columns(subject: str, comment: str) -> dict[str, Column]:
    minute = {"minute": Column("timestamptz", "Minute of event time."), subject: Column("string", comment)}
    return _window_columns() | minute | {name: Column("string", f"Base dimension {name}.") for name in BASE_DIMENSIONS}


def _dimension(stream: Stream, name: str) -> Column:
    told = stream.fields[name]
    return Column("boolean" if told.type == "boolean" else "string", told.description)


def _meaning(measure: Measure, stream: Stream) -> str:
    money = measure.value is not None and type_of(measure.value.tree, stream) == "money"
    what = f"{measure.kind.capitalize()} of {measure.value.text}" if measure.value else "Count"
    return what + (f" where {measure.where.text}" if measure.where else "") + (" in billionths of a dollar." if money else ".")


def _sortable(measure: Measure) -> Expression:
    """What the latest value is the greatest of: neither a repeat nor the order of arrival makes a difference."""
    if measure.rank:
        ranks = " ".join(f"WHEN {literal(value)} THEN {rank}" for value, rank in measure.rank.items())
        return fill(f"event_time * {RANKS} + CASE x {ranks} END", x=measure.value)
    return fill(f"CAST({10**13} + event_time AS TEXT) || ':' || CAST(x AS TEXT)", x=measure.value)


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values))
