"""What readers see: every Trino view, derived from contracts and definitions, and made when its text changes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from contracts.datasets import DATASET_STATUS
from kpis.partials import plan
from kpis.sql import trino
from kpis.sql.trino import View
from kpis.sql.trino_long_view import long_view
from transforms.facts import fact_columns, fact_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.trino.client import TrinoClient
    from contracts.datasets import Dataset
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
    return (*found, long_view(kpis_of, contracts.streams), status_view(contracts.datasets[DATASET_STATUS]))


def status_view(dataset: Dataset) -> View:
    """The rows of the last publication, without the number of its cycle."""
    columns = {name: column.description for name, column in dataset.columns.items() if name != "cycle"}
    return View("serving.dataset_status", f"SELECT {', '.join(columns)}\nFROM lake.{dataset.name}", dataset.description, columns)


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
