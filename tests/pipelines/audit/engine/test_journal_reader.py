"""A journal in a catalog on this disk, as a cycle opens and repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest

from pipelines.audit.decisions.lake import Offsets
from pipelines.audit.decisions.opening import open_stream
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.publication import Epoch, Position, Publication, StreamFrontier, WindowFrontier, key_of
from tests.pipelines.audit.engine.journal_scene import EPOCHS, JOURNAL, START_MS, STREAM, Journal, delivery

if TYPE_CHECKING:
    from pipelines.audit.decisions.lake import Commit, Lake


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
    journal.commit([delivery(0, 0), delivery(1, 0)])
    journal.commit([delivery(1, 0, run_kind="plan"), delivery(2, 0)])
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
    journal.commit([delivery(10, 0), delivery(0, 5, topic="runs.v2"), delivery(1, 5, topic="runs.v2")])
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
