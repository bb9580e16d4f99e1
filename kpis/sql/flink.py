"""Partial aggregates in Flink SQL: one SELECT per stream and aggregation, united per table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.types import SPELLINGS
from kpis.partials import WINDOW_COLUMNS, WINDOW_SECONDS, Aggregation, PartialTable

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
    known = {
        "lane": f"'{lane}'",
        "stream": f"'{aggregation.stream}'",
        "window_start": "CAST(window_start AS TIMESTAMP_LTZ(6))",
        "window_end": "CAST(window_end AS TIMESTAMP_LTZ(6))",
    }
    known |= {name: _key(name, sql) for name, sql in aggregation.keys.items()} | dict(aggregation.measures)
    columns = [f"  {_column(name, column, known.get(name))}" for name, column in table.columns.items()]
    window = f"TABLE(TUMBLE(TABLE {relation}, DESCRIPTOR(appended_at), INTERVAL '{WINDOW_SECONDS}' SECOND))"
    grouping = ["window_start", "window_end", *(quote(sql, "`") for sql in aggregation.keys.values() if not _is_constant(sql))]
    conditions = [quote(aggregation.where, "`")] if aggregation.where else []
    conditions += [f"window_start >= TIMESTAMP '{first_window}'"] if first_window else []
    where = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
    return "SELECT\n" + ",\n".join(columns) + f"\nFROM {window}{where}\nGROUP BY {', '.join(grouping)}"


def _column(name: str, column: Column, sql: str | None) -> str:
    quoted = quote(name, "`")
    if sql is None:
        return f"CAST(NULL AS {SPELLINGS[column.type].flink}) AS {quoted}"
    text = sql if name in WINDOW_COLUMNS else quote(sql, "`")
    return text if text == quoted else f"{text} AS {quoted}"


def _key(name: str, sql: str) -> str:
    return f"CAST(TO_TIMESTAMP_LTZ({sql}, 3) AS TIMESTAMP_LTZ(6))" if name == "minute" else sql


def _is_constant(sql: str) -> bool:
    return sql.startswith("'") or sql.isdigit()
