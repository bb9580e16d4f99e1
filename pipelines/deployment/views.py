"""What readers see: every Trino view, derived from contracts and definitions, and made when its text changes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from contracts.datasets import DATASET_STATUS, DUPLICATES
from contracts.model import CANARY
from contracts.types import SPELLINGS
from kpis.partials import plan
from kpis.sql import trino
from kpis.sql.trino import View
from kpis.sql.trino_long_view import long_view
from pipelines.audit.operations import CONFLICTING_REPEATS
from pipelines.audit.publication import STATUS
from transforms.facts import fact_columns, fact_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.trino.client import TrinoClient
    from contracts.datasets import Dataset, DatasetColumn
    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.registry import Definitions

SCHEMAS = ("audited", "serving")
MARK = re.compile(r"\[[0-9a-f]{8}\]$")
"""Ends the comment of every view of ours: the fingerprint of its text."""
COMMENTS = """SELECT schema_name || '.' || table_name, comment
FROM system.metadata.table_comments
WHERE catalog_name = 'lake' AND schema_name IN ('audited', 'serving')"""


def all_views(contracts: Registry, definitions: Definitions) -> tuple[View, ...]:
    """Every view, each after those it reads."""
    found = [trino.audited_view(table) for table in plan(contracts, definitions).values()]
    for stream in contracts.streams.values():
        found += [View(f"serving.{fact.name}", fact_query(stream, fact), fact.description, fact_columns(stream, fact)) for fact in stream.facts.values()]
        kpis = definitions.of_stream(stream.name)
        found += [view for kpi in kpis for view in trino.kpi_views(kpi, stream)]
    found += [trino.entity_view(entity) for entity in definitions.entities.values()]
    kpis_of = {name: definitions.of_stream(name) for name in contracts.streams}
    return (
        *found,
        long_view(kpis_of, contracts.streams),
        repeats_view(contracts.datasets[DUPLICATES], contracts.streams.values()),
        status_view(contracts.datasets[DATASET_STATUS]),
    )


def repeats_view(dataset: Dataset, streams: Iterable[Stream]) -> View:
    """Which events were told again otherwise, in which fields, and where the delivery is that counts.

    Journals are named first though nothing of them is read: a query that names this view before a fact would else see the fact's new
    rows with the duplicates of before.
    """
    left_out = {"conflicting", "differing_fields", "cycle"}
    columns = {name: column.description for name, column in dataset.columns.items() if name not in left_out}
    told = {"stream": "Stream of the event.", "differing_fields": "Fields that differ from the delivery that counts, with commas between, or 'not compared'."}
    query = "\nUNION ALL\n".join(_repeats_query(stream, [*columns]) for stream in streams)
    return View(CONFLICTING_REPEATS, query, "Events that were told again with another payload; the first telling counts.", told | columns)


def _repeats_query(stream: Stream, columns: list[str]) -> str:
    journaled = "".join(f',\n  "{name.removeprefix("winner_")}" AS "{name}"' for name in columns)
    names = "".join(f',\n  "{name}"' for name in columns)
    return f"""SELECT
  '{stream.name}' AS stream,
  '' AS differing_fields{journaled}
FROM lake.{stream.journal} FOR VERSION AS OF 'audited'
WHERE FALSE
UNION ALL
SELECT
  '{stream.name}',
  coalesce(differing_fields, 'not compared'){names}
FROM lake.{stream.duplicates} FOR VERSION AS OF 'audited'
WHERE conflicting AND event_type <> '{CANARY}'"""


def status_view(dataset: Dataset) -> View:
    """The rows of the last publication, without the number of its cycle.

    The audit keeps them as JSON in a property of the table, so that a publication writes no file for them.
    """
    columns = {name: column for name, column in dataset.columns.items() if name != "cycle"}
    fields = ", ".join(f"{name} {_json_type(column)}" for name, column in columns.items())
    selected = ",\n".join(f"  {_from_json(column)}" for column in columns.values())
    schema, table = dataset.name.split(".")
    query = f"""SELECT
{selected}
FROM lake.{schema}."{table}$properties"
CROSS JOIN UNNEST(CAST(json_parse(value) AS ARRAY(ROW({fields})))) AS status ({", ".join(columns)})
WHERE key = '{STATUS}'"""
    return View("serving.dataset_status", query, dataset.description, {name: column.description for name, column in columns.items()})


def _json_type(column: DatasetColumn) -> str:
    """Times are epoch ms in JSON."""
    return SPELLINGS["long" if column.type == "timestamptz" else column.type].trino


def _from_json(column: DatasetColumn) -> str:
    if column.type == "timestamptz":
        return f"CAST(from_unixtime_nanos({column.name} * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS {column.name}"
    return column.name


def create_views(trino: TrinoClient, contracts: Registry, definitions: Definitions) -> Iterator[str]:
    """Create or replace the views whose text changed, drop ours that are no more; yields a line for each."""
    trino.run(f"CREATE SCHEMA IF NOT EXISTS lake.{schema}" for schema in SCHEMAS)
    _, rows = trino.query(COMMENTS)
    present = dict(rows)
    wanted = all_views(contracts, definitions)
    for view in wanted:
        mark = f"[{_fingerprint(view)}]"
        if mark not in (present.get(view.name) or ""):
            trino.run(_statements(view, mark))
            yield f"view {view.name} made"
    for name in present.keys() - {view.name for view in wanted}:
        if MARK.search(present[name] or ""):
            trino.run([f"DROP VIEW IF EXISTS lake.{name}"])
            yield f"view {name} dropped"


def _statements(view: View, mark: str) -> Iterator[str]:
    yield f"CREATE OR REPLACE VIEW lake.{view.name} COMMENT '{_text(view.comment)} {mark}' AS\n{view.query}"
    for column, comment in view.columns.items():
        yield f"COMMENT ON COLUMN lake.{view.name}.\"{column}\" IS '{_text(comment)}'"


def _fingerprint(view: View) -> str:
    return hashlib.sha256(repr((view.query, view.comment, sorted(view.columns.items()))).encode()).hexdigest()[:8]


def _text(comment: str) -> str:
    return comment.replace("'", "''")
