"""Sources of a definition: found, written down, and read back as the same definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.intake.deployed import unfold
from pipelines.workspace import read, workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_unfolded_sources_are_the_same_definition(tmp_path: Path) -> None:
    space = workspace()
    unfold(space.sources, tmp_path / "copy")
    assert read(space.settings, tmp_path / "copy" / "contracts", tmp_path / "copy" / "kpis") == space


def test_every_kind_of_source_is_collected() -> None:
    names = workspace().sources.keys()
    assert {"contracts/envelope.yaml", "contracts/events/canary.beat.yaml", "contracts/events/runs/stream.yaml"} < names
    assert "contracts/datasets/ops.quarantine.yaml" in names
    assert {"kpis/definitions/tokens.yaml", "kpis/entities/runs.yaml"} < names
