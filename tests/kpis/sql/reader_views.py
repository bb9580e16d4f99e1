"""Readers' views on a handful of partial rows: the Trino SQL, translated for DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
from sqlglot import exp

from contracts.types import SPELLINGS
from pipelines.deployment.views import all_views
from tests import statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VIEWS = {view.name: view for view in all_views(statements.CONTRACTS, statements.DEFINITIONS)}
AUDITED = ("kind VARCHAR", "cycle BIGINT", "visible_from TIMESTAMPTZ")
WINDOW = {"window_start": "2026-01-01 00:00:00+00", "window_end": "2026-01-01 00:00:10+00"}
MINUTE = {"minute": "2026-01-01 00:00:00+00"}
BASE = MINUTE | {"tenant_id": "acme", "region": "eu", "environment": "prod"}
Row = dict[str, Any]


def read(name: str, streamed: Sequence[Row], corrections: Sequence[Row] = (), table: str = "kpis") -> list[Row]:
    """Rows of the view `name` when partial table `table` holds the rows `streamed`, and the audit's own table `corrections`."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS lake; CREATE SCHEMA lake.partials; CREATE SCHEMA lake.audit; CREATE SCHEMA lake.audited")
        connection.execute("CREATE MACRO from_unixtime_nanos(nanos) AS make_timestamptz(CAST(nanos // 1000 AS BIGINT))")
        for partial in statements.PLAN.values():
            columns = [f'"{column}" {SPELLINGS[spec.type].duckdb}' for column, spec in partial.columns.items()]
            connection.execute(f"CREATE TABLE lake.partials.{partial.name} ({', '.join(columns)})")
            connection.execute(f"CREATE TABLE lake.audit.{partial.name} ({', '.join((*columns, *AUDITED))})")
        for row in streamed:
            _insert(connection, f"lake.partials.{table}", WINDOW | row)
        for row in corrections:
            _insert(connection, f"lake.audit.{table}", WINDOW | {"visible_from": WINDOW["window_end"]} | row)
        for table_name in statements.PLAN:
            connection.execute(f"CREATE VIEW lake.audited.{table_name} AS {_in_duckdb(VIEWS[f'audited.{table_name}'].query)}")
        found = connection.execute(_in_duckdb(VIEWS[name].query))
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def _in_duckdb(query: str) -> str:
    tree = sqlglot.parse_one(query, dialect="trino")
    for version in list(tree.find_all(exp.Version)):
        version.pop()
    for rows in list(tree.find_all(exp.Unnest)):
        rows.replace(_of_rows(rows))
    for cast in tree.find_all(exp.Cast):
        if cast.to.sql() == "DECIMAL":
            cast.set("to", exp.DataType.build("DECIMAL(10, 9)"))
    return str(tree.sql("duckdb"))


def _of_rows(unnest: exp.Unnest) -> exp.Expression:
    """DuckDB makes one column of an array of rows, and has no names for their fields but places."""
    alias = unnest.args["alias"]
    fields = [exp.alias_(exp.column(f"_{place}", "one"), column.name) for place, column in enumerate(alias.columns)]
    rows = exp.select(exp.alias_(exp.func("UNNEST", unnest.expressions[0].copy()), "one"))
    return exp.select(*fields).from_(rows.subquery("rows")).subquery(alias.name)
