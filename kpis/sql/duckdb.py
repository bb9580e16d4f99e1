"""The second computation: the same aggregations in DuckDB, from journal rows in normal form.

The relation read here has the gate's column names and types, plus `appended_ms`; see `transforms/journal.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.types import SPELLINGS
from kpis.partials import WINDOW_SECONDS, Aggregation, PartialTable

if TYPE_CHECKING:
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
    columns = ",\n".join(f"  {_column(name, column, known.get(name, 'NULL'))}" for name, column in table.columns.items())
    where = f"\nWHERE {aggregation.where.sql('duckdb')}" if aggregation.where else ""
    source = _counted(aggregation, relation) if aggregation.buckets else relation
    return f"SELECT\n{columns}\nFROM {source}{where}\nGROUP BY ALL"


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


def _column(name: str, column: Column, sql: str) -> str:
    return f"CAST({sql} AS {SPELLINGS[column.type].duckdb}) AS {quote(name, chr(34))}"
