"""When a deployment does not wait for the audit."""

from dataclasses import replace

import pytest

from pipelines.audit.publication import MISMATCH, UNEXPLAINED, Hold, Position, Publication, StreamFrontier, WindowFrontier
from pipelines.deployment.cutover import DrainError, progress_of, refuse_held

FRONTIER = StreamFrontier({0: Position(5, 5)}, {"kpis": WindowFrontier(10_000, 10_000, {0: 5})})


def published(frontier: StreamFrontier) -> Publication:
    return Publication(1, {"runs": frontier}, {}, {})


def test_a_held_stream_is_named_at_once_with_what_to_do() -> None:
    with pytest.raises(DrainError, match=r"runs is held \(mismatch\): `daybook audit --explain runs` .*--release runs.*--anyway"):
        refuse_held(published(replace(FRONTIER, hold=Hold(MISMATCH, 0, 0))))


@pytest.mark.parametrize("hold", [None, Hold(UNEXPLAINED, 0, 0)], ids=["not held", "goes on by itself"])
def test_a_stream_that_goes_on_by_itself_is_waited_for(hold: Hold | None) -> None:
    refuse_held(published(replace(FRONTIER, hold=hold)))
    refuse_held(None)


def test_every_offset_and_every_window_is_progress() -> None:
    before = progress_of(published(FRONTIER))
    assert progress_of(published(replace(FRONTIER, positions={0: Position(6, 6)}))) > before
    assert progress_of(published(replace(FRONTIER, windows={"kpis": WindowFrontier(20_000, 20_000, {0: 5})}))) > before
