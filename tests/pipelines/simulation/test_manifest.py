"""A manifest holds every message once, in chunks, with the place the broker gave it."""

from itertools import islice
from pathlib import Path

import pytest

from contracts.registry import load
from pipelines.simulation import manifest as chunks
from pipelines.simulation.manifest import Manifest, read_manifest
from pipelines.simulation.messages import messages
from pipelines.simulation.scenario import Scenario

CONTRACTS = load()


def write(folder: Path, *, keep_values: bool = False) -> None:
    made = islice(messages(Scenario(start_ms=1_795_000_000_000, malformed=0.1), CONTRACTS), 50)
    with Manifest(folder, keep_values=keep_values) as manifest:
        for number, message in enumerate(made):
            delivered = manifest.sent(number, message)
            if number != 7:
                delivered(number % 2, number // 2, 1000 + number)


def test_every_message_is_there_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 20)
    write(tmp_path / "m")
    rows = read_manifest(tmp_path / "m").collect()
    assert rows["number"].to_list() == list(range(50))
    assert rows.row(9, named=True)["offset"] == 4
    assert rows["partition"].null_count() == 1


def test_values_are_kept_on_request(tmp_path: Path) -> None:
    write(tmp_path / "m", keep_values=True)
    expected = [m.record.value for m in islice(messages(Scenario(start_ms=1_795_000_000_000, malformed=0.1), CONTRACTS), 50)]
    assert read_manifest(tmp_path / "m").collect()["value"].to_list() == expected


def test_two_simulations_never_share_a_manifest(tmp_path: Path) -> None:
    write(tmp_path / "m")
    with pytest.raises(FileExistsError):
        write(tmp_path / "m")


def test_a_manifest_of_nothing_can_be_read(tmp_path: Path) -> None:
    with Manifest(tmp_path / "m"):
        pass
    assert read_manifest(tmp_path / "m").collect().height == 0
