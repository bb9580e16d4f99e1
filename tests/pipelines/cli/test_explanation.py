"""What `daybook audit --explain` says."""

from dataclasses import replace

from pipelines.audit.decisions.verdict import WAITS_MS
from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import INCIDENTS, MISREAD, Hold, Position, StreamFrontier, WindowFrontier
from pipelines.cli.explanation import ADVICE, explained

HOLD = Hold(MISREAD, 1_000, 2_000, "1 records are not in the journal as they were sent", ((0, 17),))
FRONTIER = StreamFrontier({0: Position(5, 5)}, {"kpis": WindowFrontier(10_000, 30_000, {0: 5}), "runs": WindowFrontier(10_000, 10_000, {0: 5})}, HOLD)


def test_every_reason_of_a_hold_has_its_advice() -> None:
    assert ADVICE.keys() == INCIDENTS | WAITS_MS.keys()


def test_a_hold_is_told_with_what_was_found_and_what_to_do() -> None:
    text = "\n".join(explained("runs", FRONTIER))
    assert "runs is held (misread)" in text
    assert HOLD.detail in text
    assert "0/17" in text
    assert "`daybook audit --release runs`" in text


def test_only_tables_with_hidden_windows_are_named() -> None:
    (hidden,) = [line for line in explained("runs", FRONTIER) if line.startswith("hidden")]
    assert "windows of kpis" in hidden


def test_incidents_are_told_of_a_stream_that_is_not_held() -> None:
    lines = list(explained("runs", replace(FRONTIER, hold=None, incidents=(Incident(LOST, "offsets 1 to 2 are gone", 1_000),))))
    assert lines[0] == "runs is not held"
    assert "lost" in lines[1]
