"""Answers of Trino as frames: times in epoch ms, money in billionths of a dollar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from contracts import registry

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient


def ask(trino: TrinoClient, sql: str) -> pl.DataFrame:
    """Run a query; its rows under its column names."""
    names, rows = trino.query(sql)
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def milliseconds(column: str) -> str:
    """Expression of a timestamp column as epoch ms."""
    return f"CAST(ROUND(to_unixtime({column}) * 1000) AS BIGINT) AS {column}"


def billionths(column: str) -> str:
    """Expression of a money column as a whole number."""
    return f"CAST({column} * 1000000000 AS BIGINT) AS {column}"


def read_fact(trino: TrinoClient, name: str, stream: str, where: str) -> pl.DataFrame:
    """Every row of a fact that meets a condition."""
    kinds = {field.name: field.type for field in registry.load().streams[stream].fields.values()}
    names, _ = trino.query(f"SELECT * FROM serving.{name} LIMIT 0")
    special = {"time": milliseconds, "money": billionths}
    columns = [special.get(kinds.get(name, ""), '"{}"'.format)(name) for name in names if name not in {"topic", "appended_at"}]
    return ask(trino, f"SELECT {', '.join(columns)} FROM serving.{name} WHERE {where}")
