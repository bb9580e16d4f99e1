"""What is looked at in the new rows of a journal: records read a second time, and keys that no contract knows."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest

from contracts.validator import Decoded
from pipelines.audit.engine import journal_reader
from pipelines.audit.publication import OTHER_KEYS, Position, UndeclaredKey
from tests.pipelines.audit.engine.journal_scene import HASH, START_MS, STREAM, Journal, delivery

if TYPE_CHECKING:
    from contracts.model import Stream
    from pipelines.audit.engine.missing_offsets import MissingOffsetReader
    from pipelines.audit.publication import Place


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
    row = delivery(offset, 0) | {"event_time": START_MS + offset}
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
    journal.commit([delivery(0, 0), delivery(1, 0, **told)])
    journal.open(since, Position(0, 0))
    assert misread(journal, Records()) == ((0, 1),)


def test_a_row_of_an_older_release_is_not_held_against_this_validator(journal: Journal) -> None:
    since = journal.head
    journal.commit([delivery(0, 0, payload_hash=None, duration_ms=5)])
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
    strange = delivery(1, 0, undeclared_keys="colour,size")
    journal.commit([strange, delivery(2, 0), delivery(3, 0, undeclared_keys="colour"), delivery(4, 0, undeclared_keys="colour", source="other")])
    journal.open(since, Position(1, 1))
    assert [(one.source, one.event_type, one.key, one.records) for one in journal.reader.undeclared_keys()] == [
        ("test", "run.started", "colour", 2),
        ("other", "run.started", "colour", 1),
        ("test", "run.started", "size", 1),
    ]


def test_undeclared_keys_of_what_is_published_already_are_not_counted_again(journal: Journal) -> None:
    since = journal.head
    journal.commit([delivery(1, 0, undeclared_keys="colour"), delivery(2, 0, undeclared_keys="colour")])
    journal.open(since, Position(2, 2))
    assert [one.records for one in journal.reader.undeclared_keys()] == [1]


def test_many_undeclared_keys_are_told_as_one(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reader, "TOLD", 1)
    since = journal.head
    journal.commit([delivery(0, 0, undeclared_keys="b"), delivery(1, 0, undeclared_keys="b,c"), delivery(2, 0, undeclared_keys="d")])
    journal.open(since, Position(0, 0))
    assert journal.reader.undeclared_keys() == (UndeclaredKey("test", "run.started", "b", 2), UndeclaredKey(None, None, OTHER_KEYS, 2))


def test_a_journal_of_an_older_release_has_no_undeclared_keys(journal: Journal) -> None:
    since = journal.append(0)
    journal.append(1)
    journal.open(since, Position(1, 1))
    assert journal.reader.undeclared_keys() == ()
