"""Where a job takes its streams up, read from tables in a catalog on this disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog

from connectors.iceberg.tables import ensure_table
from connectors.kafka.topics import TopicState
from pipelines.audit.publication import Epoch, Position, StreamFrontier, WindowFrontier, key_of
from pipelines.deployment.cutover import start_of
from pipelines.intake.statements import StreamStart
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS

STREAM = CONTRACTS.streams["runs"]
START_MS = 1_790_000_000_000
TOPIC = TopicState("this", {0: 0, 1: 7, 2: 0}, {0: 100, 1: 7, 2: 0}, -1)


def moment(after_ms: int) -> datetime:
    return datetime.fromtimestamp((START_MS + after_ms) / 1000, UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> InMemoryCatalog:
    """The tables of the stream: ten rows a second apart in partition 0, and its first window."""
    catalog = InMemoryCatalog("lake", warehouse=str(tmp_path))
    for spec in all_tables(CONTRACTS, DEFINITIONS):
        if spec.name in {STREAM.journal, "partials.kpis"}:
            ensure_table(catalog, spec)
    append(catalog, STREAM.journal, [journaled(offset, offset * 2_000) for offset in range(10)])
    append(catalog, "partials.kpis", [{"stream": "runs", "window_start": moment(0), "window_end": moment(10_000), "n": 5}])
    return catalog


def append(catalog: InMemoryCatalog, name: str, rows: list[dict[str, Any]]) -> None:
    table = catalog.load_table(name)
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))


def journaled(offset: int, after_ms: int) -> dict[str, Any]:
    return {"event_time": moment(0), "topic": STREAM.topic, "partition": 0, "offset": offset, "appended_at": moment(after_ms)}


def start(catalog: InMemoryCatalog, frontier: StreamFrontier | None = None) -> StreamStart:
    return start_of(catalog, STREAM, TOPIC, ["kpis"], frontier)


def test_a_job_reads_from_where_the_open_windows_begin_and_journals_from_where_the_journal_ends(catalog: InMemoryCatalog) -> None:
    found = start(catalog)
    assert (found.read_from[0], found.journal_from, found.windows_from) == (5, {0: 10}, {"kpis": moment(10_000).strftime("%Y-%m-%d %H:%M:%S")})


def test_every_partition_has_a_start_so_that_none_begins_where_a_group_was(catalog: InMemoryCatalog) -> None:
    assert start(catalog).read_from == {0: 5, 1: 7, 2: 0}


def test_what_is_published_counts_though_no_row_of_it_is_read(catalog: InMemoryCatalog) -> None:
    frontier = StreamFrontier({0: Position(12, 12), 1: Position(9, 9)}, {"kpis": WindowFrontier(START_MS + 10_000, START_MS + 10_000, {})})
    assert start(catalog, frontier).journal_from == {0: 12, 1: 9}


def test_a_start_names_the_topic_whose_offsets_it_has(catalog: InMemoryCatalog) -> None:
    assert start(catalog).topic_id == "this"


def test_another_log_is_read_and_journaled_from_its_start(catalog: InMemoryCatalog) -> None:
    frontier = StreamFrontier({0: Position(10, 10)}, {"kpis": WindowFrontier(START_MS, START_MS, {})}, epochs=(Epoch(-1, STREAM.topic, "that"),))
    found = start(catalog, frontier)
    assert (found.read_from, found.journal_from, set(found.windows_from)) == ({0: 0, 1: 7, 2: 0}, {}, {"kpis"})


def test_rows_of_the_log_before_are_no_positions_in_this_one(catalog: InMemoryCatalog) -> None:
    append(catalog, STREAM.journal, [journaled(offset, 30_000 + offset) for offset in range(3)])
    epochs = Epoch(-1, STREAM.topic, "that"), Epoch(START_MS + 30_000, STREAM.topic, "this")
    positions = {0: Position(10, 10), key_of(1, 0): Position(1, 1)}
    found = start(catalog, StreamFrontier(positions, {"kpis": WindowFrontier(START_MS + 10_000, START_MS + 10_000, {})}, epochs=epochs))
    assert (found.read_from, found.journal_from) == ({0: 0, 1: 7, 2: 0}, {0: 3})


def test_rows_of_the_topic_before_are_no_positions_in_this_one_though_they_were_appended_later(catalog: InMemoryCatalog) -> None:
    append(catalog, STREAM.journal, [journaled(offset, 30_000 + offset) | {"topic": "runs.v0"} for offset in range(50, 53)])
    append(catalog, STREAM.journal, [journaled(offset, 30_000 + offset) for offset in range(3)])
    epochs = Epoch(-1, "runs.v0", "that"), Epoch(START_MS + 30_000, STREAM.topic, "this")
    positions = {0: Position(53, 53), key_of(1, 0): Position(1, 1)}
    found = start(catalog, StreamFrontier(positions, {"kpis": WindowFrontier(START_MS + 10_000, START_MS + 10_000, {})}, epochs=epochs))
    assert (found.read_from, found.journal_from) == ({0: 0, 1: 7, 2: 0}, {0: 3})
