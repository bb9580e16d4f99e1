"""Repeats as readers are told of them: who told what again, and which fields differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.audit.engine import repeats
from pipelines.audit.engine.identity_index import packed
from pipelines.audit.engine.identity_segment import ENTRY, NO_PAYLOAD
from pipelines.audit.engine.journal_rows import JournalRows
from pipelines.audit.engine.repeats import RepeatReader, Repeats
from tests.pipelines.audit.engine.test_streamed_partials import JOURNAL
from tests.statements import CONTRACTS

STREAM = CONTRACTS.streams["runs"]
AT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
ASKED = list[str]


def row(offset: int, **fields: Any) -> dict[str, Any]:
    event = {"event_id": "e", "event_type": "run.started", "event_time": AT, "source": "test", "tenant_id": "acme", "region": "eu", "run_kind": "job"}
    return {**event, "topic": "runs.v1", "partition": 0, "offset": offset, "appended_at": AT, **fields}


def entries(*offsets: int, payload: int) -> Any:
    found = np.zeros(len(offsets), ENTRY)
    found["place"], found["payload"] = packed(np.zeros(len(offsets), int), np.array(offsets)), payload
    return found


class Journal:
    """Files of a journal and a reader of its repeats."""

    def __init__(self, folder: Path) -> None:
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        self.reader = RepeatReader(connection, STREAM, JOURNAL.empty_table())
        self.folder = folder
        self.asked: ASKED = []

    def write(self, *rows: dict[str, Any], schema: pa.Schema = JOURNAL) -> str:
        path = self.folder / f"{len([*self.folder.iterdir()])}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
        return str(path)

    def describe(self, fresh: str, offsets: dict[int, int], *published: str, payload: int = 2) -> list[dict[str, Any]]:
        """Repeats at offsets of the deliveries that count, whose payload hash is 1."""

        def plan(condition: str) -> tuple[str, ...]:
            self.asked.append(condition)
            return published

        found = Repeats(entries(*offsets, payload=payload), entries(*offsets.values(), payload=1), np.full(len(offsets), bool(published)))
        rows: list[dict[str, Any]] = self.reader.describe(found, JournalRows(), [fresh], plan).sort_by("offset").to_pylist()
        return rows


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def test_a_repeat_says_who_told_what_and_where_the_delivery_is_that_counts(journal: Journal) -> None:
    (found,) = journal.describe(journal.write(row(4), row(7)), {7: 4}, payload=1)
    wanted = {"topic": "runs.v1", "partition": 0, "offset": 7, "appended_at": AT, "tenant_id": "acme", "source": "test", "event_id": "e", "region": "eu"}
    assert wanted.items() <= found.items()
    assert (found["event_time"], found["winner_partition"], found["winner_offset"]) == (AT, 0, 4)


def test_an_equal_repeat_is_no_conflict(journal: Journal) -> None:
    (found,) = journal.describe(journal.write(row(4), row(7)), {7: 4}, payload=1)
    assert (found["conflicting"], found["differing_fields"]) == (False, None)


def test_a_conflict_names_the_fields_in_the_order_of_the_contract(journal: Journal) -> None:
    told = row(7, run_kind="plan", event_time=AT + timedelta(seconds=1), attempt=1)
    (found,) = journal.describe(journal.write(row(4), told), {7: 4})
    assert (found["conflicting"], found["differing_fields"]) == (True, "event_time,run_kind,attempt")


def test_a_repeat_is_compared_with_a_delivery_that_was_published_before(journal: Journal) -> None:
    fresh, old = journal.write(row(7, event_time=AT + timedelta(seconds=1))), journal.write(row(4))
    (found,) = journal.describe(fresh, {7: 4}, old)
    assert found["differing_fields"] == "event_time"
    assert journal.asked == [
        "((partition = 0 AND offset >= 4 AND offset <= 4)) AND event_time >= '2026-02-28T00:00:00+00:00' AND event_time <= '2026-03-04T00:00:00+00:00'"
    ]


def test_no_published_file_is_looked_for_without_need(journal: Journal) -> None:
    journal.describe(journal.write(row(4), row(7), row(8)), {7: 4, 8: 4}, payload=1)
    assert journal.asked == []


def test_a_delivery_that_is_not_found_is_not_compared(journal: Journal) -> None:
    (found,) = journal.describe(journal.write(row(7)), {7: 4}, journal.write(row(3)))
    assert (found["conflicting"], found["differing_fields"]) == (True, None)


def test_hashes_that_differ_because_the_contract_has_grown_are_no_conflict(journal: Journal) -> None:
    old = journal.write(row(4), schema=pa.schema([field for field in JOURNAL if field.name != "attempt"]))
    (found,) = journal.describe(journal.write(row(7)), {7: 4}, old)
    assert (found["conflicting"], found["differing_fields"]) == (False, None)


def test_few_conflicts_are_compared_and_the_others_stay_visible(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "COMPARED", 2)
    found = journal.describe(journal.write(row(0), *(row(n, attempt=n) for n in (1, 2, 3))), {1: 0, 2: 0, 3: 0})
    assert [one["conflicting"] for one in found] == [True] * 3
    assert sorted(str(one["differing_fields"]) for one in found) == ["None", "attempt", "attempt"]


def test_payloads_that_are_not_known_are_compared_however_many_there_are(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "COMPARED", 0)
    found = journal.describe(journal.write(row(0), row(1), row(2), row(3, attempt=3)), {1: 0, 2: 0, 3: 0}, payload=NO_PAYLOAD)
    assert [(one["conflicting"], one["differing_fields"]) for one in found] == [(False, None), (False, None), (True, "attempt")]


def test_few_published_files_are_read(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "FILES", 1)
    (found,) = journal.describe(journal.write(row(7, attempt=2)), {7: 4}, journal.write(row(3)), journal.write(row(4)))
    assert found["differing_fields"] is None
