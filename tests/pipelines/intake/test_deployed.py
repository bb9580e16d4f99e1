"""Sources of a definition: found, written down, and read back as the same definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contracts.datasets import QUALITY_RESULTS
from pipelines.intake.deployed import restored, unfold
from pipelines.workspace import read, workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_unfolded_sources_are_the_same_definition(tmp_path: Path) -> None:
    space = workspace()
    unfold(space.sources, tmp_path / "copy")
    assert read(space.settings, tmp_path / "copy" / "contracts", tmp_path / "copy" / "kpis") == space


def test_sources_of_an_older_release_are_restored_as_they_were() -> None:
    space = workspace()
    known = {name: text for name, text in space.sources.items() if name != f"contracts/datasets/{QUALITY_RESULTS}.yaml"}
    older = {name: re.sub(r"^rules:\n(  - .*\n)+", "", text, flags=re.MULTILINE) for name, text in known.items()}
    found = restored(space.settings, older)
    assert (found.sources, found.contracts.datasets) == (older, space.contracts.datasets)
    assert [stream.rules for stream in found.contracts.streams.values()] == [()] * len(space.contracts.streams)


def test_every_kind_of_source_is_collected() -> None:
    names = workspace().sources.keys()
    assert {"contracts/envelope.yaml", "contracts/events/canary.beat.yaml", "contracts/events/runs/stream.yaml"} < names
    assert "contracts/datasets/ops.quarantine.yaml" in names
    assert {"kpis/definitions/tokens.yaml", "kpis/entities/runs.yaml"} < names
