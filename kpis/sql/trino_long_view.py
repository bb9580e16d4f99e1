"""The long form of every KPI in Trino SQL: one table read once, however many KPIs there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.model import CANARY, NANO
from kpis.model import BASE_DIMENSIONS
from kpis.partials import key_columns, reading, stored_kpi
from kpis.sql.trino import PERCENTILES, View, comma, is_money, of_events, percentile_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
    names = sorted({name for kpi in every for name in kpi.dimensions})
    cells = ", ".join(["period_start", "kpi", *BASE_DIMENSIONS, *(quote(name, '"') for name in names)])
    query = f"""WITH counted AS (
{_counted(kpis, streams, names)}
),
{_percentiles([kpi for kpi in every if kpi.histogram], names, cells)},
long AS (
  SELECT {cells}, measure,
    COALESCE(CAST(numerator AS DOUBLE), 0E0) / IF(scale = 0, NULLIF(denominator, 0), scale) AS value
  FROM counted
  UNION ALL
  SELECT {cells}, measure, value
  FROM percentiles CROSS JOIN UNNEST(measures) AS item (measure, value)
)
SELECT period_start, kpi, measure, {BASE},
  CASE kpi
{_cases(every, _dimension_map)}
  END AS dimensions,
  value,
  CASE kpi
{_cases(every, lambda kpi: f"'{kpi.unit}'")}
  END AS unit
FROM long"""
    return View("serving.kpis", query, "Every KPI by minute, in long form.", COMMENTS)


def _counted(kpis: Mapping[str, tuple[Kpi, ...]], streams: Mapping[str, Stream], names: Iterable[str]) -> str:
    """Each partial row is spread over those KPIs of its stream that count it, and grouped by the dimensions of each."""
    items = {stream: [item for kpi in of_stream if not kpi.histogram for item in _items(kpi, streams[stream])] for stream, of_stream in kpis.items()}
    arrays = "\n".join(f"    WHEN '{stream}' THEN ARRAY[\n{comma(f'      {item}' for item in found)}\n    ]" for stream, found in items.items() if found)
    owners = {name: [kpi for of_stream in kpis.values() for kpi in of_stream if name in kpi.dimensions and not kpi.histogram] for name in names}
    own = "\n".join(f"    {_own(name, [kpi.name for kpi in found])} AS {quote(name, chr(34))}," for name, found in owners.items())
    groups = ", ".join(str(place) for place in range(1, 4 + len(BASE_DIMENSIONS) + len(owners)))
    return f"""  SELECT "minute" AS period_start, kpi, measure, {BASE},
{own}
    SUM(CAST(numerator AS DECIMAL(38, 0))) AS numerator, SUM(CAST(denominator AS DECIMAL(38, 0))) AS denominator, MAX(scale) AS scale
  FROM lake.audited.kpis
  CROSS JOIN UNNEST(CASE stream
{arrays}
  END) AS item (kpi, measure, numerator, denominator, scale)
  WHERE numerator IS NOT NULL OR denominator IS NOT NULL
  GROUP BY {groups}
  HAVING SUM(n) > 0"""


def _own(name: str, kpis: Iterable[str]) -> str:
    owners = ", ".join(f"'{kpi}'" for kpi in kpis)
    return f"IF(kpi IN ({owners}), CAST({quote(name, chr(34))} AS VARCHAR))" if owners else "CAST(NULL AS VARCHAR)"


def _percentiles(kpis: Iterable[Kpi], names: Iterable[str], cells: str) -> str:
    measures = comma(f"    ROW('p{rank}', {percentile_sql(rank)})" for rank in PERCENTILES)
    every = list(kpis)
    kept = {name for kpi in every for name in kpi.dimensions}
    own = "\n".join(f"    {_cast(name) if name in kept else 'CAST(NULL AS VARCHAR)'} AS {quote(name, chr(34))}," for name in names)
    public = "\n".join(f"      WHEN '{stored_kpi(kpi)}' THEN '{kpi.name}'" for kpi in every)
    return f"""histograms AS (
  SELECT "minute" AS period_start, {BASE},
{own}
    bucket, n,
    CASE kpi
{public}
    END AS kpi
  FROM lake.audited.histograms
  WHERE kpi <> '{CANARY}'
),
bucketed AS (
  SELECT {cells}, bucket, SUM(n) AS n
  FROM histograms
  WHERE kpi IS NOT NULL
  GROUP BY {cells}, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT {cells}, bucket,
    SUM(n) OVER (PARTITION BY {cells} ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY {cells}) AS total
  FROM bucketed
),
percentiles AS (
  SELECT {cells}, ARRAY[
{measures}
  ] AS measures
  FROM ranked
  GROUP BY {cells}
)"""


def _items(kpi: Kpi, stream: Stream) -> list[str]:
    """ROW(kpi, measure, numerator, denominator, scale) of a partial row of the stream for each value of a KPI."""
    parts = {name: _part(kpi, kpi.narrowed(measure), stream) for name, measure in kpi.measures.items()}
    if kpi.is_ratio:
        return [f"ROW('{kpi.name}', 'value', {parts['numerator']}, {parts['denominator']}, 0)"]
    scale = {name: NANO if is_money(measure, stream) else 1 for name, measure in kpi.measures.items()}
    return [f"ROW('{kpi.name}', '{name}', {part}, NULL, {scale[name]})" for name, part in parts.items()]


def _part(kpi: Kpi, measure: Measure, stream: Stream) -> str:
    one = reading(measure, key_columns(stream))
    is_narrow = one.where is not None and one.where.values_of("event_type") is not None
    conditions = ([] if is_narrow else [of_events(kpi, stream)]) + ([one.where.sql("trino")] if one.where else [])
    return f"IF({' AND '.join(conditions)}, {one.column})"


def _cases(kpis: Iterable[Kpi], told: Callable[[Kpi], str]) -> str:
    return "\n".join(f"    WHEN '{kpi.name}' THEN {told(kpi)}" for kpi in kpis)


def _dimension_map(kpi: Kpi) -> str:
    keys = ", ".join(f"'{name}'" for name in kpi.dimensions)
    items = ", ".join(quote(name, '"') for name in kpi.dimensions)
    return f"MAP(CAST(ARRAY[{keys}] AS ARRAY(VARCHAR)), CAST(ARRAY[{items}] AS ARRAY(VARCHAR)))"


def _cast(name: str) -> str:
    return f"CAST({quote(name, chr(34))} AS VARCHAR)"
