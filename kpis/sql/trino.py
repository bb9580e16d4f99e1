"""What readers see of the partials, in Trino SQL: the audited rows of each table, KPI views, entity views.

Every view names a partial table before the audit's own: tags move in the opposite order, and a correction counts only once
the stream's windows, as this very query resolved them, reach the end that it was published with. Rows add up and may have negative
counts, which take duplicates out again: what nothing is left of (a total of 0) is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.identifiers import literal, quote
from contracts.model import CANARY, NANO
from kpis.events import event_types
from kpis.model import BASE_DIMENSIONS
from kpis.partials import LATEST_PREFIX, RANKS, key_columns, reading, stored_column, stored_kpi
from kpis.values import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Stream
    from kpis.model import Entity, Kpi, Measure, MeasureKind
    from kpis.partials import PartialTable, Reading

GRAINS = {"": "minute", "_hourly": "hour", "_daily": "day"}
PERCENTILES = (50, 95, 99)
NOT_CANARY = {"kpis": f"event_type <> '{CANARY}'", "histograms": f"kpi <> '{CANARY}'"}


@dataclass(frozen=True)
class View:
    """One Trino view: its name below the catalog, its query, what it and its columns mean."""

    name: str
    query: str
    comment: str
    columns: Mapping[str, str]


def audited_view(table: PartialTable) -> View:
    """Rows of a partial table as audited: the stream's, but for replaced and held windows, and the audit's own."""
    names = [quote(name, '"') for name in table.columns]
    condition = NOT_CANARY.get(table.name, "NOT is_canary")
    query = f"""WITH streamed AS (
  SELECT {", ".join(names)}
  FROM lake.partials.{table.name} FOR VERSION AS OF 'audited'
),
reached AS (
  SELECT stream, MAX(window_end) AS window_end
  FROM streamed
  GROUP BY stream
),
corrections AS (
  SELECT {", ".join(f"correction.{name}" for name in names)}, correction.kind
  FROM lake.audit.{table.name} FOR VERSION AS OF 'audited' AS correction
  JOIN reached ON reached.stream = correction.stream
  WHERE correction.visible_from <= reached.window_end
),
replaced AS (
  SELECT DISTINCT stream, window_start
  FROM corrections
  WHERE kind IN ('replacement', 'held')
)
SELECT {", ".join(f"streamed.{name}" for name in names)}
FROM streamed
LEFT JOIN replaced ON replaced.stream = streamed.stream AND replaced.window_start = streamed.window_start
WHERE replaced.stream IS NULL AND {condition}
UNION ALL
SELECT {", ".join(names)}
FROM corrections
WHERE kind <> 'held' AND {condition}"""
    comments = {name: column.comment for name, column in table.columns.items()}
    return View(f"audited.{table.name}", query, f"Partial aggregates of {table.name} as audited.", comments)


def kpi_views(kpi: Kpi, stream: Stream) -> tuple[View, ...]:
    """A KPI by minute, hour and day of event time, one row per combination of its dimensions."""
    return tuple(_kpi_view(kpi, stream, suffix, grain) for suffix, grain in GRAINS.items())


def entity_view(entity: Entity) -> View:
    """One row per entity, folded from the audited partials of every stream that tells about it."""
    folds = [f"  {_fold(entity, name)} AS {name}" for name in entity.columns]
    shown = [f"  {column.shown} AS {name}" if column.shown else f"  {name}" for name, column in entity.columns.items()]
    keys = f"  tenant_id,\n  {entity.key},\n"
    query = (
        f"WITH folded AS (\nSELECT\n{keys}{comma(folds)}\nFROM lake.audited.{entity.name}\nGROUP BY tenant_id, {entity.key}\nHAVING SUM(n) > 0\n)\n"
        f"SELECT\n{keys}{comma(shown)}\nFROM folded"
    )
    comments = {"tenant_id": "Customer account.", entity.key: f"Identifies one of the {entity.name}."}
    comments |= {name: column.description for name, column in entity.columns.items()}
    return View(f"serving.{entity.name}", query, entity.description, comments)


def _kpi_view(kpi: Kpi, stream: Stream, suffix: str, grain: str) -> View:
    dimensions = (*BASE_DIMENSIONS, *kpi.dimensions)
    comments = {"period_start": f"The {grain} of event time."}
    comments |= {name: stream.fields[name].description for name in dimensions}
    if kpi.histogram:
        query = _percentile_query(kpi, dimensions, grain)
        values = {"n": "Values counted."} | {f"p{rank}": f"{rank}th percentile in {kpi.unit}, within 1 %." for rank in PERCENTILES}
    else:
        query = _measure_query(kpi, stream, dimensions, grain)
        values = _value_comments(kpi)
    return View(f"serving.kpi_{kpi.name}{suffix}", query, f"{kpi.title}: {kpi.description}", comments | values)


def _measure_query(kpi: Kpi, stream: Stream, dimensions: tuple[str, ...], grain: str) -> str:
    keys = key_columns(stream)
    read = {name: (kpi.narrowed(measure), reading(kpi.narrowed(measure), keys)) for name, measure in kpi.measures.items()}
    values = [f"  {_read_back(stream, measure, one)} AS {name}" for name, (measure, one) in read.items()]
    if kpi.is_ratio:
        parts = {name: aggregate(measure, one) for name, (measure, one) in read.items()}
        values.append(f"  CAST({parts['numerator']} AS DOUBLE) / NULLIF({parts['denominator']}, 0) AS value")
    wheres = list(dict.fromkeys(one.where.sql("trino") if one.where else "" for _, one in read.values()))
    relevant = " AND (" + " OR ".join(f"({where})" for where in wheres) + ")" if all(wheres) else ""
    condition = f"stream = '{stream.name}' AND {of_events(kpi, stream)}{relevant}"
    selected = [f"  date_trunc('{grain}', \"minute\") AS period_start", *(f"  {quote(name, chr(34))}" for name in dimensions), *values]
    groups = ", ".join(str(place) for place in range(1, len(dimensions) + 2))
    return f"SELECT\n{comma(selected)}\nFROM lake.audited.kpis\nWHERE {condition}\nGROUP BY {groups}\nHAVING SUM(n) > 0"


def of_events(kpi: Kpi, stream: Stream) -> str:
    """Condition of the rows that a KPI may count: on those of other event types its dimensions are not kept."""
    events = ", ".join(f"'{event}'" for event in event_types(kpi, stream))
    return f"event_type IN ({events})"


def _percentile_query(kpi: Kpi, dimensions: tuple[str, ...], grain: str) -> str:
    names = ", ".join(quote(name, '"') for name in dimensions)
    ranks = [f"  {percentile_sql(rank)} AS p{rank}" for rank in PERCENTILES]
    return f"""WITH counted AS (
  SELECT date_trunc('{grain}', "minute") AS period_start, {names}, bucket, SUM(n) AS n
  FROM lake.audited.histograms
  WHERE kpi = '{stored_kpi(kpi)}'
  GROUP BY date_trunc('{grain}', "minute"), {names}, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT period_start, {names}, bucket,
    SUM(n) OVER (PARTITION BY period_start, {names} ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY period_start, {names}) AS total
  FROM counted
)
SELECT period_start, {names}, MAX(total) AS n,
{comma(ranks)}
FROM ranked
GROUP BY period_start, {names}"""


def percentile_sql(rank: int) -> str:
    """Nearest-rank percentile: the middle, on the log scale, of the first bucket that reaches the rank."""
    return f"MIN(CASE WHEN reached * 100 >= total * {rank} THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END)"


def aggregate(measure: Measure, read: Reading) -> str:
    """A measure over the rows it is read from."""
    where = f" FILTER (WHERE {read.where.sql('trino')})" if read.where else ""
    return _folded(measure.kind, read.column, where)


def _folded(kind: MeasureKind, column: str, where: str = "") -> str:
    """Rows added up. Unlike a count, a sum may outgrow 64 bits: it is NULL then, not an error of the whole query."""
    match kind:
        case "count":
            return f"COALESCE(SUM({column}){where}, 0)"
        case "sum":
            return f"COALESCE(SUM(CAST({column} AS DECIMAL(38, 0))){where}, 0)"
        case "min":
            return f"MIN({column}){where}"
        case _:
            return f"MAX({column}){where}"


def _read_back(stream: Stream, measure: Measure, read: Reading) -> str:
    folded = aggregate(measure, read)
    if is_money(measure, stream):
        return _dollars(folded)
    return f"TRY_CAST({folded} AS BIGINT)" if measure.kind == "sum" else folded


def is_money(measure: Measure, stream: Stream) -> bool:
    """True when a measure is stored in billionths of a dollar."""
    return measure.value is not None and type_of(measure.value.tree, stream) == "money"


def _dollars(billionths: str) -> str:
    return f"CAST(CAST({billionths} AS DECIMAL(29, 0)) * DECIMAL '{1 / NANO:.9f}' AS DECIMAL(38, 9))"


def _value_comments(kpi: Kpi) -> dict[str, str]:
    if kpi.is_ratio:
        return {"numerator": "Upper part of the ratio; additive.", "denominator": "Lower part of the ratio; additive.", "value": "The ratio."}
    return dict.fromkeys(kpi.measures, f"In {kpi.unit}; additive.")


def _fold(entity: Entity, name: str) -> str:
    """A column over an entity's rows; each row is of one stream and has the column in which that stream tells about it."""
    found = list(dict.fromkeys(stored_column(name, measure) for measure in entity.measures_of(name)))
    told = f"COALESCE({', '.join(found)})" if len(found) > 1 else found[0]
    kind, ranks = entity.kind_of(name), entity.rank_of(name)
    folded = _folded(kind, told)
    if ranks:
        cases = " ".join(f"WHEN {rank} THEN {literal(value)}" for value, rank in ranks.items())
        return f"CASE MOD({folded}, {RANKS}) {cases} END"
    if kind == "latest":
        return f"SUBSTR({folded}, {LATEST_PREFIX + 1})"
    match entity.columns[name].type:
        case "time":
            return f"CAST(from_unixtime_nanos({folded} * 1000000) AS TIMESTAMP(6) WITH TIME ZONE)"
        case "money":
            return _dollars(folded)
        case _:
            return f"TRY_CAST({folded} AS BIGINT)" if kind == "sum" else folded


def comma(lines: Iterable[str]) -> str:
    """Lines of a SQL list."""
    return ",\n".join(lines)
