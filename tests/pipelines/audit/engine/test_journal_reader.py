"""A journal in a catalog on this disk, as a cycle opens and repairs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.io.pyarrow import _dataframe_to_data_files

from connectors.iceberg.files import head_of, replace_files
from connectors.iceberg.tables import ensure_table
from contracts.datasets import QUARANTINE, duplicates_of, journal_of
from contracts.validator import Decoded
from pipelines.audit.decisions.lake import Offsets, TagMove
from pipelines.audit.decisions.opening import open_stream
from pipelines.audit.engine import journal_reader
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.engine.missing_offsets import NOT_JOURNALED
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import OTHER_KEYS, Epoch, Position, Publication, StreamFrontier, UndeclaredKey, WindowFrontier, key_of
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

if TYPE_CHECKING:
    from contracts.model import Stream
    from pipelines.audit.decisions.lake import Commit, Lake
    from pipelines.audit.engine.missing_offsets import MissingOffsetReader
    from pipelines.audit.publication import Place

STREAM = CONTRACTS.streams["runs"]
JOURNAL = journal_of("runs")
EPOCHS = (Epoch(-1, STREAM.topic, "first"),)
START_MS = 1_790_000_000_000
HASH = 77
"""Of whatever is journaled here."""


class Journal:
    """The tables of one stream, and the reader of its journal; everything that was ever appended is in `since` but for the last rows."""

    def __init__(self, folder: Path) -> None:
        catalog = InMemoryCatalog("lake", warehouse=str(folder / "lake"))
        for spec in all_tables(CONTRACTS, DEFINITIONS):
            if spec.name in {JOURNAL, QUARANTINE, duplicates_of("runs")}:
                ensure_table(catalog, spec)
        self.tables = TaggedTables(catalog)
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.reader = JournalReader(self.tables, self.connection, STREAM, tuple(PLAN.values()), folder / "identities")

    def append(self, *offsets: int, after_ms: int = 0) -> int:
        """Journal started runs at these offsets of partition 0, a file for all; the new head."""
        table = self.tables.look(JOURNAL)
        table.append(pa.Table.from_pylist([_delivery(offset, after_ms) for offset in offsets], schema=table.schema().as_arrow()))
        return head_of(table)

    def commit(self, *files: list[dict[str, Any]]) -> int:
        """Journal rows as one checkpoint of the stream does it: a file per event day, all in one snapshot; the new head."""
        table = self.tables.look(JOURNAL)
        rows = [pa.Table.from_pylist(file, schema=table.schema().as_arrow()) for file in files]
        written = [file for each in rows for file in _dataframe_to_data_files(table.metadata, each, table.io)]
        replace_files(table, (), written, None)
        return head_of(table)

    def recommit(self, snapshot: int) -> None:
        """Commit the files of a snapshot again, as they are."""
        table = self.tables.look(JOURNAL)
        replace_files(table, (), [task.file for task in table.scan(snapshot_id=snapshot).plan_files()], None)

    def repair(self, since: int) -> int:
        """Open what came after `since`, and repair it when rows must go; how many rows had to go."""
        found = self.open(since, Position(0, 0))
        if found and found.repeated:
            self.reader.drop_double_commits()
        return found.repeated if found else 0

    def quarantine(self, offset: int, after_ms: int = 0, reason: str = NOT_JOURNALED) -> None:
        """Quarantine an offset for readers."""
        table = self.tables.look(QUARANTINE)
        row = {"topic": STREAM.topic, "partition": 0, "offset": offset, "reason": reason, "appended_at": _appended_at(offset, after_ms)}
        before = head_of(table)
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
        self.tables.move_tags([TagMove(QUARANTINE, before, head_of(table))])

    def open(self, since: int, position: Position) -> Offsets | None:
        """Open what was appended after `since`."""
        self.tables.look(JOURNAL)
        found = self.reader.open(StreamFrontier({0: position}, {}, epochs=EPOCHS), since, self.head)
        return found.get(0)

    @property
    def head(self) -> int:
        """The journal's head."""
        return head_of(self.tables.look(JOURNAL))

    @property
    def offsets(self) -> list[int]:
        """Offsets of all rows of the head."""
        return sorted(self.tables.look(JOURNAL).scan().to_arrow()["offset"].to_pylist())


def _appended_at(offset: int, after_ms: int = 0) -> datetime:
    return datetime.fromtimestamp((START_MS + after_ms + offset) / 1000, UTC)


def _delivery(offset: int, after_ms: int, **fields: Any) -> dict[str, Any]:
    at = _appended_at(offset, after_ms)
    event = {"event_id": f"e-{offset}", "event_type": "run.started", "event_time": at, "source": "test", "tenant_id": "acme", "run_id": "r", "run_kind": "job"}
    place = {"topic": STREAM.topic, "partition": 0, "offset": offset, "appended_at": at}
    return {**event, "is_canary": False, "payload_hash": HASH, **place, **fields}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.connection.close()


def test_rows_committed_again_below_the_position_are_taken_out(journal: Journal) -> None:
    since = journal.append(0, 1, 2)
    journal.append(1, 2)
    assert journal.open(since, Position(3, 3)) == Offsets(0, 0, 2, 2, -1)
    journal.reader.drop_double_commits()
    assert journal.offsets == [0, 1, 2]


@pytest.mark.parametrize("position", [Position(3, 3), Position(0, 3, quarantined=1)], ids=["published", "explained"])
def test_a_row_committed_after_its_offset_was_quarantined_is_taken_out(journal: Journal, position: Position) -> None:
    since = journal.append(0, 2) if position.next_offset else journal.head
    if not position.next_offset:
        journal.append(0, 2)
    journal.quarantine(1)
    journal.append(1, 3)
    found = journal.open(since, position)
    assert found
    assert found.repeated == 1
    journal.reader.drop_double_commits()
    assert journal.offsets == [0, 2, 3]


def test_rows_of_many_quarantined_offsets_are_looked_up_at_once(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    since = journal.append(0, 20)
    for offset in range(1, 8):
        journal.quarantine(offset)
    journal.append(*range(1, 8))
    asked: list[int] = []
    refused = JournalReader._refused  # noqa: SLF001 - counted, because each is a scan of the quarantine

    def count(self: JournalReader, key: int, low: int, high: int) -> set[tuple[int, int, int]]:
        asked.append(key)
        return refused(self, key, low, high)

    monkeypatch.setattr(JournalReader, "_refused", count)
    found = journal.open(since, Position(21, 21))
    assert found
    assert (found.repeated, found.strays, len(asked)) == (7, 0, 2)


def test_a_quarantined_offset_that_is_not_journaled_repeats_nothing(journal: Journal) -> None:
    since = journal.append(0, 2)
    journal.quarantine(1)
    journal.append(2, 3)
    found = journal.open(since, Position(3, 3))
    assert found
    assert (found.repeated, found.rows) == (1, 1)


def test_of_rows_that_two_jobs_made_of_one_record_one_stays(journal: Journal) -> None:
    since = journal.head
    journal.commit([_delivery(0, 0), _delivery(1, 0)])
    journal.commit([_delivery(1, 0, run_kind="plan"), _delivery(2, 0)])
    assert journal.repair(since) == 1
    assert journal.offsets == [0, 1, 2]


def test_of_equal_rows_in_different_files_one_stays(journal: Journal) -> None:
    since = journal.head
    journal.append(0, 1)
    journal.append(1, 2)
    assert journal.repair(since) == 1
    assert journal.offsets == [0, 1, 2]


def test_a_file_that_is_committed_twice_is_there_once_and_not_rewritten(journal: Journal) -> None:
    since = journal.head
    snapshot = journal.append(0, 1)
    before = [task.file.file_path for task in journal.tables.look(JOURNAL).scan().plan_files()]
    journal.recommit(snapshot)
    assert journal.repair(since) == 2
    assert [task.file.file_path for task in journal.tables.look(JOURNAL).scan().plan_files()] == before


class Records:
    """The broker's side of the journal's records: `wrong` ones say something else, `gone` ones are no longer there."""

    def __init__(self, wrong: set[int] | None = None, gone: set[int] | None = None) -> None:
        self.wrong, self.gone = wrong or set(), gone or set()
        self.read: list[int] = []

    def decoded(self, stream: Stream, partition: int, offsets: list[int]) -> Iterator[tuple[int, Decoded | None]]:
        del stream, partition
        self.read += offsets
        for offset in offsets:
            if offset not in self.gone:
                yield offset, None if offset in self.wrong else _decoded(offset)


def _decoded(offset: int) -> Decoded:
    row = _delivery(offset, 0) | {"event_time": START_MS + offset}
    return Decoded({name: row[name] for name in STREAM.fields if name in row}, HASH, None)


def misread(journal: Journal, records: Records, *again: Place, size: int = 3, seed: int = 0) -> tuple[Place, ...]:
    return journal.reader.misread(cast("MissingOffsetReader", records), size, Random(seed), again)


def test_the_sample_is_a_stretch_of_fresh_rows_at_a_random_place(journal: Journal) -> None:
    since = journal.append(*range(50))
    journal.append(*range(50, 90))
    journal.open(since, Position(50, 50))
    stretches = set()
    for seed in range(20):
        records = Records()
        assert misread(journal, records, seed=seed) == ()
        assert records.read == list(range(records.read[0], records.read[0] + 3))
        assert records.read[0] >= 50
        stretches.add(records.read[0])
    assert len(stretches) > 5


def test_records_that_were_misread_are_read_again_until_they_are_right(journal: Journal) -> None:
    since = journal.head
    journal.append(*range(40))
    journal.open(since, Position(0, 0))
    assert misread(journal, Records(wrong={7}), (0, 7), size=0) == ((0, 7),)
    assert misread(journal, Records(gone={7}), (0, 7), size=0) == ((0, 7),)
    assert misread(journal, Records(), (0, 7), size=0) == ()


@pytest.mark.parametrize(
    "told",
    [{"run_kind": "plan"}, {"attempt": 1}, {"is_canary": None}, {"attributes": "{}"}, {"payload_hash": 78}, {"undeclared_keys": "colour"}],
    ids=lambda told: next(iter(told)),
)
def test_a_row_that_differs_in_any_column_from_its_record_is_misread(journal: Journal, told: dict[str, Any]) -> None:
    since = journal.head
    journal.commit([_delivery(0, 0), _delivery(1, 0, **told)])
    journal.open(since, Position(0, 0))
    assert misread(journal, Records()) == ((0, 1),)


def test_a_row_of_an_older_release_is_not_held_against_this_validator(journal: Journal) -> None:
    since = journal.head
    journal.commit([_delivery(0, 0, payload_hash=None, duration_ms=5)])
    journal.open(since, Position(0, 0))
    assert misread(journal, Records(wrong={0})) == ()


def test_counting_rows_before_does_not_bar_reading_misread_records_again(journal: Journal) -> None:
    since = journal.head
    journal.append(*range(40))
    journal.open(since, Position(0, 0))
    assert journal.reader.deliveries.count("fresh") == 40
    assert misread(journal, Records(), (0, 7), size=0) == ()


def test_what_is_misread_time_and_again_does_not_pile_up(journal: Journal) -> None:
    since = journal.head
    journal.append(*range(40))
    journal.open(since, Position(0, 0))
    places: tuple[Place, ...] = ()
    for seed in range(5):
        places = misread(journal, Records(wrong=set(range(40))), *places, seed=seed)
    assert len(places) == 3


def test_misread_records_that_are_not_in_the_journal_any_more_are_no_objection(journal: Journal) -> None:
    since = journal.head
    journal.append(0, 2)
    journal.open(since, Position(0, 0))
    assert misread(journal, Records(wrong={1}), (0, 1), size=0) == ()


def test_undeclared_keys_of_new_deliveries_are_counted_by_source_and_event_type(journal: Journal) -> None:
    since = journal.append(0)
    strange = _delivery(1, 0, undeclared_keys="colour,size")
    journal.commit([strange, _delivery(2, 0), _delivery(3, 0, undeclared_keys="colour"), _delivery(4, 0, undeclared_keys="colour", source="other")])
    journal.open(since, Position(1, 1))
    assert [(one.source, one.event_type, one.key, one.records) for one in journal.reader.undeclared_keys()] == [
        ("test", "run.started", "colour", 2),
        ("other", "run.started", "colour", 1),
        ("test", "run.started", "size", 1),
    ]


def test_undeclared_keys_of_what_is_published_already_are_not_counted_again(journal: Journal) -> None:
    since = journal.head
    journal.commit([_delivery(1, 0, undeclared_keys="colour"), _delivery(2, 0, undeclared_keys="colour")])
    journal.open(since, Position(2, 2))
    assert [one.records for one in journal.reader.undeclared_keys()] == [1]


def test_many_undeclared_keys_are_told_as_one(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reader, "TOLD", 1)
    since = journal.head
    journal.commit([_delivery(0, 0, undeclared_keys="b"), _delivery(1, 0, undeclared_keys="b,c"), _delivery(2, 0, undeclared_keys="d")])
    journal.open(since, Position(0, 0))
    assert journal.reader.undeclared_keys() == (UndeclaredKey("test", "run.started", "b", 2), UndeclaredKey(None, None, OTHER_KEYS, 2))


def test_a_journal_of_an_older_release_has_no_undeclared_keys(journal: Journal) -> None:
    since = journal.append(0)
    journal.append(1)
    journal.open(since, Position(1, 1))
    assert journal.reader.undeclared_keys() == ()


class OneJournal:
    """The lake as `open_stream` asks it, of one journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def commits(self, table: str, since: int) -> tuple[Commit, ...]:
        return self.journal.tables.commits(table, since)

    def drop_double_commits(self, stream: str) -> int:
        del stream
        return self.journal.reader.drop_double_commits()

    def open_journal(self, stream: str, since: int, snapshot: int, frontier: StreamFrontier) -> Mapping[int, Offsets]:
        del stream
        return self.journal.reader.open(frontier, since, snapshot)


def test_of_a_backlog_no_more_is_opened_than_the_bite_and_the_rest_of_its_commit(journal: Journal) -> None:
    since = journal.head
    for first in range(0, 400, 100):
        journal.append(*range(first, first + 100))
    lake, opened = cast("Lake", OneJournal(journal)), []
    position = 0
    while position < 400:
        published = Publication(0, {"runs": StreamFrontier({0: Position(position, position)}, {})}, {JOURNAL: since}, {})
        opening = open_stream(lake, published, "runs", journal.head, 150)
        opened.append(journal.reader.deliveries.count("fresh"))
        since, position = opening.snapshot, opening.offsets[0].high + 1
    assert opened == [200, 200]
    assert opening.is_whole


RENEWED = (*EPOCHS, Epoch(START_MS + 60_000, STREAM.topic, "second"))


def test_rows_of_another_log_at_the_same_offsets_are_no_repeats(journal: Journal) -> None:
    since = journal.append(0, 1, 2)
    journal.append(0, 1, after_ms=60_000)
    positions = {0: Position(3, 3), key_of(1, 0): Position(0, 0)}
    found = journal.reader.open(StreamFrontier(positions, {}, epochs=RENEWED), since, journal.head)
    assert found == {key_of(1, 0): Offsets(2, 2, 0, 1, START_MS + 60_001)}


def test_copies_in_another_log_are_taken_out_and_nothing_else(journal: Journal) -> None:
    since = journal.append(0, 1, 2)
    journal.append(0, 1, after_ms=60_000)
    journal.append(0, 1, after_ms=60_000)
    journal.reader.open(StreamFrontier({0: Position(3, 3), key_of(1, 0): Position(0, 0)}, {}, epochs=RENEWED), since, journal.head)
    journal.reader.drop_double_commits()
    assert journal.offsets == [0, 0, 1, 1, 2]


def test_a_repaired_journal_that_is_opened_again_is_not_repaired_again(journal: Journal) -> None:
    since = journal.head
    journal.append(0)
    journal.append(*range(100))
    journal.append(*range(100, 200))
    published = Publication(0, {"runs": StreamFrontier({0: Position(0, 0)}, {}, epochs=EPOCHS)}, {JOURNAL: since}, {})
    lake = cast("Lake", OneJournal(journal))
    first = open_stream(lake, published, "runs", journal.head, 50)
    again = open_stream(lake, published, "runs", journal.head, 50)
    assert (first.is_repaired, again.is_repaired) == (True, False)
    assert again.snapshot == first.snapshot


def test_what_was_taken_out_has_the_keys_of_its_log(journal: Journal) -> None:
    journal.quarantine(3)
    journal.quarantine(4, after_ms=60_000)
    journal.quarantine(5, after_ms=60_000, reason="malformed")
    journal.reader.open(StreamFrontier({}, {}, epochs=RENEWED), journal.head, journal.head)
    assert journal.reader.taken_out(-1) == [(0, 3, START_MS + 3), (key_of(1, 0), 4, START_MS + 60_004)]
    assert journal.reader.taken_out(START_MS + 50_000) == [(key_of(1, 0), 4, START_MS + 60_004)]


OTHER_TOPIC = (Epoch(-1, STREAM.topic, "first"), Epoch(START_MS + 5, "runs.v2", "second"))


def test_rows_of_two_topics_that_were_written_at_the_same_time_have_their_own_offsets(journal: Journal) -> None:
    since = journal.append(*range(10))
    journal.commit([_delivery(10, 0), _delivery(0, 5, topic="runs.v2"), _delivery(1, 5, topic="runs.v2")])
    positions = {0: Position(10, 10), key_of(1, 0): Position(0, 0)}
    found = journal.reader.open(StreamFrontier(positions, {}, epochs=OTHER_TOPIC), since, journal.head)
    assert found == {0: Offsets(1, 1, 0, 10, START_MS + 10), key_of(1, 0): Offsets(2, 2, 0, 1, START_MS + 6)}


def test_published_rows_of_the_old_topic_are_not_those_of_the_new_one(journal: Journal) -> None:
    since = journal.append(*range(10))
    windows = {"kpis": WindowFrontier(START_MS, START_MS, {0: 10, key_of(1, 0): 0})}
    journal.reader.open(StreamFrontier({0: Position(10, 10), key_of(1, 0): Position(0, 0)}, windows, epochs=OTHER_TOPIC), since, since)
    late = journal.reader.deliveries.late_condition(windows["kpis"].counted, START_MS + 60_000)
    assert journal.reader.deliveries.count(late) == 0


def test_a_row_where_everything_is_published_is_a_stray_and_stays(journal: Journal) -> None:
    since = journal.append(0, 1, 2)
    journal.append(1, after_ms=60_000)
    found = journal.open(since, Position(3, 3))
    assert found
    assert (found.repeated, found.strays, journal.offsets) == (0, 1, [0, 1, 1, 2])
