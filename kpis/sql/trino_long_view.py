"""The long form of every KPI in Trino SQL: one table read once, however many KPIs there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.model import NANO
from kpis.model import BASE_DIMENSIONS
from kpis.partials import key_columns, reading
from kpis.sql.trino import PERCENTILES, View, comma, is_money, percentile_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Stream
    from kpis.model import Kpi, Measure

BASE = ", ".join(BASE_DIMENSIONS)
COMMENTS = {
    "period_start": "Minute of event time.",
    "kpi": "Name of the KPI.",
    "measure": "Which of the KPI's values.",
    **{name: f"Base dimension {name}." for name in BASE_DIMENSIONS},
    "dimensions": "The KPI's own dimensions.",
    "value": "The value in the KPI's unit.",
    "unit": "Unit of the value.",
}


def long_view(kpis: Mapping[str, tuple[Kpi, ...]], streams: Mapping[str, Stream]) -> View:
    """Every KPI by minute: one row per KPI, measure and combination of dimensions. `kpis` are those of each stream."""
    every = [kpi for of_stream in kpis.values() for kpi in of_stream]
    items = [item for name, of_stream in kpis.items() for kpi in of_stream if not kpi.histogram for item in _items(kpi, streams[name])]
    units = " ".join(f"WHEN '{kpi.name}' THEN '{kpi.unit}'" for kpi in every)
    query = f"""WITH counted AS (
{_counted(items)}
),
{_percentiles([kpi for kpi in every if kpi.histogram])},
long AS (
  SELECT period_start, kpi, measure, {BASE}, dimensions,
    CAST(numerator AS DOUBLE) / IF(scale = 0, NULLIF(denominator, 0), scale) AS value
  FROM counted
  UNION ALL
  SELECT period_start, kpi, measure, {BASE}, dimensions, value
  FROM percentiles CROSS JOIN UNNEST(measures) AS item (measure, value)
)
SELECT period_start, kpi, measure, {BASE}, CAST(json_parse(dimensions) AS MAP(VARCHAR, VARCHAR)) AS dimensions, value, CASE kpi {units} END AS unit
FROM long"""
    return View("serving.kpis", query, "Every KPI by minute, in long form.", COMMENTS)


def _counted(items: Iterable[str]) -> str:
    """Each partial row is spread over the KPIs that it counts for."""
    return f"""  SELECT "minute" AS period_start, kpi, measure, {BASE}, dimensions,
    SUM(numerator) AS numerator, SUM(denominator) AS denominator, MAX(scale) AS scale
  FROM lake.audited.kpis
  CROSS JOIN UNNEST(ARRAY[
{comma(f"    {item}" for item in items)}
  ]) AS item (kpi, measure, numerator, denominator, scale, dimensions)
  WHERE numerator IS NOT NULL OR denominator IS NOT NULL
  GROUP BY "minute", kpi, measure, {BASE}, dimensions
  HAVING SUM(n) > 0"""


def _percentiles(kpis: Iterable[Kpi]) -> str:
    dimensions = "\n".join(f"      WHEN '{kpi.name}' THEN {_dimension_map(kpi)}" for kpi in kpis)
    measures = ", ".join(f"ROW('p{rank}', {percentile_sql(rank)})" for rank in PERCENTILES)
    return f"""bucketed AS (
  SELECT period_start, kpi, {BASE}, dimensions, bucket, SUM(n) AS n
  FROM (
    SELECT "minute" AS period_start, kpi, {BASE}, bucket, n, CASE kpi
{dimensions}
    END AS dimensions
    FROM lake.audited.histograms
  )
  GROUP BY period_start, kpi, {BASE}, dimensions, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT period_start, kpi, {BASE}, dimensions, bucket,
    SUM(n) OVER (PARTITION BY period_start, kpi, {BASE}, dimensions ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY period_start, kpi, {BASE}, dimensions) AS total
  FROM bucketed
),
percentiles AS (
  SELECT period_start, kpi, {BASE}, dimensions, ARRAY[{measures}] AS measures
  FROM ranked
  GROUP BY period_start, kpi, {BASE}, dimensions
)"""


def _items(kpi: Kpi, stream: Stream) -> list[str]:
    """ROW(kpi, measure, numerator, denominator, scale, dimensions) of a partial row for each value of a KPI."""
    keys = key_columns(stream)
    parts = {name: _part(kpi.narrowed(measure), stream, keys) for name, measure in kpi.measures.items()}
    if kpi.is_ratio:
        return [f"ROW('{kpi.name}', 'value', {parts['numerator']}, {parts['denominator']}, 0, {_dimension_map(kpi)})"]
    scale = {name: NANO if is_money(measure, stream) else 1 for name, measure in kpi.measures.items()}
    return [f"ROW('{kpi.name}', '{name}', {part}, NULL, {scale[name]}, {_dimension_map(kpi)})" for name, part in parts.items()]


def _part(measure: Measure, stream: Stream, keys: frozenset[str]) -> str:
    one = reading(measure, keys)
    condition = f"stream = '{stream.name}'" + (f" AND {one.where}" if one.where else "")
    return f"IF({condition}, {one.column})"


def _dimension_map(kpi: Kpi) -> str:
    """A KPI's own dimensions as JSON text, which unlike a map can be grouped and sorted by."""
    keys = ", ".join(f"'{name}'" for name in kpi.dimensions)
    items = ", ".join(f"CAST({quote(name, chr(34))} AS VARCHAR)" for name in kpi.dimensions)
    return f"json_format(CAST(MAP(ARRAY[{keys}], ARRAY[{items}]) AS JSON))"
