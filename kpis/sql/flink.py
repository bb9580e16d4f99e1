"""Partial aggregates in Flink SQL: one SELECT per stream and aggregation, united per table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.types import SPELLINGS
from kpis.partials import BUCKET_COLUMNS, WINDOW_SECONDS, Aggregation, PartialTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kpis.partials import Column


def insert_query(table: PartialTable, relations: Mapping[str, str], lane: str, from_windows: Mapping[str, str]) -> str:
    """The query whose rows the job appends to a partial table.

    `relations` names the relation of accepted deliveries per stream; `from_windows` the first window to emit per stream, as
    `YYYY-MM-DD HH:MM:SS` in UTC (windows before it were committed by an earlier job).
    """
    selects = [_select(table, one, relations[one.stream], lane, from_windows.get(one.stream)) for one in table.aggregations]
    return "\nUNION ALL\n".join(selects)


def _select(table: PartialTable, aggregation: Aggregation, relation: str, lane: str, first_window: str | None) -> str:
    keys = {name: sql.sql("flink") for name, sql in aggregation.keys.items()}
    known = {
        "lane": f"'{lane}'",
        "stream": f"'{aggregation.stream}'",
        "window_start": "CAST(window_start AS TIMESTAMP_LTZ(6))",
        "window_end": "CAST(window_end AS TIMESTAMP_LTZ(6))",
    }
    known |= {name: f"CAST(TO_TIMESTAMP_LTZ({sql}, 3) AS TIMESTAMP_LTZ(6))" if name == "minute" else sql for name, sql in keys.items()}
    known |= {name: sql.sql("flink") for name, sql in aggregation.measures.items()}
    columns = [f"  {_column(name, column, known.get(name))}" for name, column in table.columns.items()]
    source = _counted(aggregation, relation) if aggregation.buckets else f"TABLE {relation}"
    window = f"TABLE(TUMBLE({source}, DESCRIPTOR(appended_at), INTERVAL '{WINDOW_SECONDS}' SECOND))"
    conditions = [aggregation.where.sql("flink")] if aggregation.where and not aggregation.buckets else []
    conditions += [f"window_start >= TIMESTAMP '{first_window}'"] if first_window else []
    where = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
    grouping = ",\n  ".join(["window_start", "window_end", *keys.values()])
    return "SELECT\n" + ",\n".join(columns) + f"\nFROM {window}{where}\nGROUP BY\n  {grouping}"


def _counted(aggregation: Aggregation, relation: str) -> str:
    """The deliveries that any KPI counts, once for each, before they are put into windows: so all share one aggregation."""
    buckets = {name: sql.sql("flink") for name, sql in aggregation.buckets.items()}
    items = ",\n".join(f"    ROW(CAST('{name}' AS STRING), {bucket})" for name, bucket in buckets.items())
    read = frozenset[str]().union(*(sql.columns for sql in aggregation.keys.values())) - BUCKET_COLUMNS
    names = ", ".join(quote(name, "`") for name in sorted(read))
    needed = ", ".join(quote(name, "`") for name in sorted(aggregation.columns))
    where = f"\n    WHERE {aggregation.where.sql('flink')}" if aggregation.where else ""
    return f"""(
  SELECT {names}, appended_at, kpi, bucket
  FROM (
    SELECT {needed}, appended_at
    FROM {relation}{where}
  )
  CROSS JOIN UNNEST(ARRAY[
{items}
  ]) AS counted (kpi, bucket)
  WHERE bucket IS NOT NULL
)"""


def _column(name: str, column: Column, sql: str | None) -> str:
    quoted = quote(name, "`")
    text = sql or f"CAST(NULL AS {SPELLINGS[column.type].flink})"
    return text if text == quoted else f"{text} AS {quoted}"
