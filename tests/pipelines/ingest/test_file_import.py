"""An import goes on where it stopped, and says what it could not send."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.kafka.producer import DeliveryError, Producer
from connectors.kafka.records import Record
from connectors.sources.adapter import BadLine, Event, Item, Skipped
from contracts.registry import load
from contracts.validator import Validator
from pipelines.ingest import file_import
from pipelines.ingest.file_import import Imported, forget, import_source

CONTRACTS = load()
EVENT = {"event_type": "run.started", "source": "s", "event_time": 0, "tenant_id": "t", "run_id": "r"}


class Numbers:
    """An adapter that reads ten events, one broken line and one skipped one."""

    name = "numbers"

    def read(self, path: Path) -> Iterator[Item]:
        del path
        yield BadLine("numbers.txt", 1, "not_json")
        yield from (Event("runs", {**EVENT, "event_id": str(number)}) for number in range(10))
        yield Skipped("numbers.txt", 12, "no_timestamp")


class Recorder:
    """Takes records as a producer does; the broker goes away after `limit` of them."""

    def __init__(self, limit: int = 100) -> None:
        self.values: list[bytes | None] = []
        self._limit = limit

    def send_record(self, topic: str, record: Record) -> None:
        assert topic == "runs.v1"
        self.values.append(record.value)

    def flush(self) -> None:
        if len(self.values) > self._limit:
            message = "broker is gone"
            raise DeliveryError(message)


def run(path: Path, recorder: Recorder, **options: Any) -> Imported:
    return import_source(Numbers(), path, cast("Producer", recorder), CONTRACTS, path / "home", **options)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(file_import, "CHECKPOINT", 4)
    monkeypatch.setattr(file_import, "position_file", lambda _adapter, path, home: home / path.name)
    return tmp_path


def test_what_was_sent_and_what_was_not_is_counted(source: Path) -> None:
    done = run(source, Recorder())
    assert (dict(done.sent), done.malformed, done.malformed_lines) == ({"run.started": 10}, 1, ["numbers.txt:1"])
    assert (dict(done.skipped), done.complete) == ({"no_timestamp": 1}, True)


def test_after_a_crash_it_goes_on_from_the_last_acknowledged_position(source: Path) -> None:
    with pytest.raises(DeliveryError):
        run(source, Recorder(limit=5))
    again = Recorder()
    done = run(source, again)
    assert (len(again.values), done.sent["run.started"], done.malformed) == (7, 10, 1)


def test_a_complete_import_is_not_repeated_until_forgotten(source: Path) -> None:
    first = run(source, Recorder())
    assert run(source, second := Recorder()) == first
    assert second.values == []
    forget(Numbers(), source, source / "home")
    run(source, third := Recorder())
    assert len(third.values) == 10


def test_events_that_break_their_contract_are_refused_and_counted(source: Path) -> None:
    done = run(source, recorder := Recorder(), validator=Validator(load()))
    assert recorder.values == []
    assert sum(done.refused.values()) == 10


def test_changed_files_are_another_import(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("1")
    before = file_import.position_file(Numbers(), file, tmp_path)
    file.write_text("12")
    assert file_import.position_file(Numbers(), file, tmp_path) != before
