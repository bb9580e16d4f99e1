"""Sources of a definition: found, written down, and read back as the same definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.registry import ROOT
from pipelines.definition import unfold
from pipelines.settings import Settings
from pipelines.workspace import Workspace, read

if TYPE_CHECKING:
    from pathlib import Path


def installed() -> Workspace:
    settings = Settings()
    return read(settings, ROOT, settings.definitions)


def test_unfolded_sources_are_the_same_definition(tmp_path: Path) -> None:
    space = installed()
    unfold(space.sources, tmp_path / "copy")
    assert read(space.settings, tmp_path / "copy" / "contracts", tmp_path / "copy" / "kpis") == space


def test_every_kind_of_source_is_collected() -> None:
    names = installed().sources.keys()
    assert {"contracts/envelope.yaml", "contracts/events/canary.beat.yaml", "contracts/events/runs/stream.yaml"} < names
    assert {"kpis/definitions/tokens.yaml", "kpis/entities/runs.yaml"} < names
