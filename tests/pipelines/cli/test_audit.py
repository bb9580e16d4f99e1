"""A publication is one line, and only one audit may publish."""

import os
from dataclasses import replace
from pathlib import Path

from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import MISMATCH, Hold, Position, Publication, StreamFrontier, StreamReport, WindowFrontier
from pipelines.cli.audit import describe, replaced
from pipelines.locks import exclusive
from tests.pipelines.cli.conftest import Daybook

MIDNIGHT = 1_772_323_200_000
FRONTIER = StreamFrontier({0: Position(5, 5, MIDNIGHT + 7_000)}, {"kpis": WindowFrontier(MIDNIGHT, MIDNIGHT, {0: 4})})
WINDOWS = {"kpis": {"stand": 4, "duplicate": 2}, "runs": {"duplicate": 3, "clash": 1, "late": 1}}
REPORT = StreamReport(rows=1200, duplicates=12, conflicting=1, quarantined=3, windows=WINDOWS, supplemented={"kpis": 2})


def publication(frontier: StreamFrontier, report: StreamReport) -> Publication:
    return Publication(9, {"runs": frontier}, {}, {}, {"runs": report})


def test_a_publication_is_one_line_with_positions_and_counts() -> None:
    assert describe(publication(FRONTIER, REPORT), 1.25) == (
        "cycle 9 in 1.2 s: runs J 2026-03-01 00:00:07 W 2026-03-01 00:00:00, 1,200 rows, 12 duplicates, 1 of them conflicting, "
        "3 quarantined, 1 windows replaced (clash), 1 windows replaced (late), 2 late rows added"
    )


def test_a_held_stream_says_since_when_and_why() -> None:
    held = StreamFrontier(FRONTIER.positions, FRONTIER.windows, Hold(MISMATCH, MIDNIGHT, MIDNIGHT))
    assert describe(publication(held, StreamReport()), 0.5).endswith("runs HELD since 2026-03-01 00:00:00 (mismatch)")


def test_an_open_incident_is_told_with_every_publication() -> None:
    lost = replace(FRONTIER, incidents=(Incident(LOST, "offsets 5 to 9 of runs.v1/0 are gone", MIDNIGHT),))
    assert describe(publication(lost, REPORT), 0.5).endswith(", LOST since 2026-03-01 00:00:00: offsets 5 to 9 of runs.v1/0 are gone")


def test_a_window_that_was_replaced_in_every_table_counts_once() -> None:
    assert replaced(REPORT) == {"clash": 1, "late": 1}


def test_a_second_audit_is_one_sentence(daybook: Daybook, silent: Path) -> None:
    with exclusive(silent / "audit" / "lock"):
        finished = daybook("audit")
    assert (finished.code, finished.out, finished.err.count("\n")) == (1, "", 1)
    assert f"process {os.getpid()}" in finished.err
