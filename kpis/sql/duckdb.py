"""The second computation: the same aggregations in DuckDB, from journal rows in normal form.

The relation read here has the column names and types of what the decoder gives, plus `appended_ms`; see `transforms/journal.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from contracts.identifiers import quote
from contracts.types import SPELLINGS
from kpis.partials import WINDOW_SECONDS, Aggregation, PartialTable

if TYPE_CHECKING:
    from kpis.expressions import Expression
    from kpis.partials import Column

WINDOW_MS = WINDOW_SECONDS * 1000
WINDOW_START = f"appended_ms - appended_ms % {WINDOW_MS}"


def window_end_of(appended_ms: int) -> int:
    """End of the window that a delivery appended at `appended_ms` falls into, epoch ms.

    >>> window_end_of(10_000), window_end_of(19_999)
    (20000, 20000)
    """
    return appended_ms - appended_ms % WINDOW_MS + WINDOW_MS


def recompute_query(table: PartialTable, stream: str, relation: str, lane: str) -> str:
    """Rows of `stream` in `table`, recomputed from `relation`; columns and types are the table's own."""
    selects = [_select(table, one, relation, lane) for one in table.aggregations if one.stream == stream]
    return "\nUNION ALL\n".join(selects)


def overflow_query(table: PartialTable, stream: str, relation: str) -> str | None:
    """Sums of `table` that outgrow 64 bits, which Flink wraps and the recomputation leaves empty.

    Rows are window end in epoch ms and column; None when the stream sums nothing.
    """
    selects = [_overflows(one, relation) for one in table.aggregations if one.stream == stream and any(_is_sum(sql) for sql in one.measures.values())]
    return "\nUNION ALL\n".join(selects) or None


def _overflows(aggregation: Aggregation, relation: str) -> str:
    sums = {name: sql.sql("duckdb") for name, sql in aggregation.measures.items() if _is_sum(sql)}
    keys = ", ".join(f"{sql.sql('duckdb')} AS key_{place}" for place, sql in enumerate(aggregation.keys.values()))
    folded = ", ".join(f"{sql} AS {quote(name, chr(34))}" for name, sql in sums.items())
    where = f" WHERE {aggregation.where.sql('duckdb')}" if aggregation.where else ""
    grown = ", ".join(f"CASE WHEN {name} IS NOT NULL AND TRY_CAST({name} AS BIGINT) IS NULL THEN '{name}' END" for name in sums)
    return f"""SELECT DISTINCT window_end, measure
FROM (
  SELECT window_end, UNNEST([{grown}]) AS measure
  FROM (SELECT {WINDOW_START} + {WINDOW_MS} AS window_end, {keys}, {folded} FROM {relation}{where} GROUP BY ALL)
)
WHERE measure IS NOT NULL"""


def _is_sum(sql: Expression) -> bool:
    return isinstance(sql.tree, exp.Sum)


def _select(table: PartialTable, aggregation: Aggregation, relation: str, lane: str) -> str:
    keys = {name: sql.sql("duckdb") for name, sql in aggregation.keys.items()}
    known = {
        "lane": f"'{lane}'",
        "stream": f"'{aggregation.stream}'",
        "window_start": f"make_timestamptz(({WINDOW_START}) * 1000)",
        "window_end": f"make_timestamptz(({WINDOW_START} + {WINDOW_MS}) * 1000)",
    }
    known |= {name: f"make_timestamptz(({sql}) * 1000)" if name == "minute" else sql for name, sql in keys.items()}
    known |= {name: sql.sql("duckdb") for name, sql in aggregation.measures.items()}
    sums = {name for name, sql in aggregation.measures.items() if _is_sum(sql)}
    columns = ",\n".join(f"  {_column(name, column, known.get(name, 'NULL'), is_sum=name in sums)}" for name, column in table.columns.items())
    where = f"\nWHERE {aggregation.where.sql('duckdb')}" if aggregation.where else ""
    source = _counted(aggregation, f"{relation}{where}") if aggregation.buckets else f"{relation}{where}"
    return f"SELECT\n{columns}\nFROM {source}\nGROUP BY ALL"


def _counted(aggregation: Aggregation, relation: str) -> str:
    """The deliveries that any KPI counts, once for each."""
    items = ",\n".join(f"    {{'kpi': '{name}', 'bucket': {sql.sql('duckdb')}}}" for name, sql in aggregation.buckets.items())
    return f"""(
  SELECT *, UNNEST([
{items}
  ], recursive := true)
  FROM {relation}
)
WHERE bucket IS NOT NULL"""


def _column(name: str, column: Column, sql: str, *, is_sum: bool) -> str:
    """A sum is of 128 bits here: one that does not fit is NULL, so that it differs from the stream's and nothing else is held up."""
    return f"{'TRY_CAST' if is_sum else 'CAST'}({sql} AS {SPELLINGS[column.type].duckdb}) AS {quote(name, chr(34))}"
