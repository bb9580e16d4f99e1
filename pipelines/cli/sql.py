"""`daybook sql`: a question to Trino, and how far the answer is audited."""

from __future__ import annotations

import csv
import sys
from typing import IO, TYPE_CHECKING, Any

import click

from pipelines.cli.output import json_option, moment, say, say_json, show_table
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from datetime import datetime

    from connectors.trino.client import TrinoClient

THROUGH = """SELECT IF(COUNT(*) = COUNT(facts_through), MIN(facts_through)), IF(COUNT(*) = COUNT(kpis_through), MIN(kpis_through))
FROM lake.serving.dataset_status"""
"""One dataset that is not published yet makes the least of them unknown."""
EXAMPLES = """\b
Examples:
  daybook sql "SELECT * FROM serving.runs LIMIT 10"
  daybook sql --csv --file costs.sql > costs.csv
  echo "SHOW TABLES FROM serving" | daybook sql"""

Through = tuple["datetime | None", "datetime | None"]


@click.command(epilog=EXAMPLES)
@click.argument("query", required=False)
@click.option("--file", type=click.File(encoding="utf-8"), help="Read the query from a file; - is standard input.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="For programs: CSV on standard output.")
def sql(query: str | None, file: IO[str] | None, *, as_json: bool, as_csv: bool) -> None:
    """Ask Trino, and say through which time the served datasets are audited: the least of all of them."""
    from connectors.trino.client import TrinoClient

    statement = _statement(query, file)
    settings = workspace().settings
    trino = TrinoClient(settings.endpoints.trino, settings.trino_user)
    # Asked before the query: what is audited now is in the answer, while what will be audited after it need not be.
    through = _through(trino)
    names, rows = trino.query(statement)
    if as_json:
        facts, kpis = through
        say_json({"columns": names, "rows": rows, "facts_through": facts, "kpis_through": kpis})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *([_csv_cell(value) for value in row] for row in rows)])
        click.echo(_said(through), err=True)
    else:
        numbers = [name for place, name in enumerate(names) if rows and _is_number(rows[0][place])]
        show_table(names, rows, numbers)
        say(f"\n{_said(through)}")


def _statement(query: str | None, file: IO[str] | None) -> str:
    if query and file:
        message = "a query and --file are one too many"
        raise click.UsageError(message)
    if not query and not file and sys.stdin.isatty():
        message = "there is no query"
        raise click.UsageError(message)
    try:
        text = query or (file or sys.stdin).read()
    except UnicodeDecodeError as error:
        message = "the query is not text in UTF-8"
        raise click.UsageError(message) from error
    statement = text.strip().rstrip(";").strip()
    if not statement:
        message = "the query is empty"
        raise click.UsageError(message)
    return statement


def _through(trino: TrinoClient) -> Through:
    from connectors.trino.client import QueryError

    try:
        facts, kpis = trino.query(THROUGH)[1][0]
    except QueryError:
        # Before `daybook apply` there is no such view, and other catalogs can be asked all the same.
        return None, None
    return facts, kpis


def _said(through: Through) -> str:
    facts, kpis = through
    if facts is None and kpis is None:
        return "nothing is audited yet"
    return f"audited: facts through {moment(facts) if facts else 'never'}, KPIs through {moment(kpis) if kpis else 'never'}"


def _is_number(value: object) -> bool:
    from decimal import Decimal

    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _csv_cell(value: Any) -> Any:
    from datetime import datetime

    return value.isoformat() if isinstance(value, datetime) else value
