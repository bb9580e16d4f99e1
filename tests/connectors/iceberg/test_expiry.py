"""Which snapshots a table may forget."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from connectors.iceberg.expiry import FLINK_JOB, Departures, expirable

if TYPE_CHECKING:
    from pyiceberg.table import Table

EVERYTHING = 10**15


def table(commits: str, main: int, audited: int | None = None) -> Table:
    """A table whose snapshot 1, 2, ... was committed at 1000, 2000, ... ms: `f` by Flink, `-` by somebody else."""
    snapshots = [
        SimpleNamespace(snapshot_id=number, timestamp_ms=number * 1000, summary=SimpleNamespace(additional_properties={FLINK_JOB: "j"} if by == "f" else {}))
        for number, by in enumerate(commits, start=1)
    ]
    refs = {"main": SimpleNamespace(snapshot_id=main)} | ({"audited": SimpleNamespace(snapshot_id=audited)} if audited else {})
    return cast("Table", SimpleNamespace(name=lambda: ("ops", "try"), metadata=SimpleNamespace(snapshots=snapshots, refs=refs)))


@pytest.mark.parametrize(
    ("commits", "main", "audited", "before_ms", "forgotten"),
    [
        pytest.param("-----", 5, None, EVERYTHING, [1, 2, 3, 4], id="without a tag all but the head"),
        pytest.param("-----", 5, None, 3000, [1, 2], id="nothing younger than asked for"),
        pytest.param("-----", 5, 3, EVERYTHING, [1, 2], id="nothing after the tag: the audit has it still to judge"),
        pytest.param("-ff--", 5, 5, EVERYTHING, [1, 2, 4], id="not the newest of a Flink job"),
        pytest.param("-----", 5, 1, EVERYTHING, [], id="nothing while the tag is at the first"),
    ],
)
def test_forgotten_are(commits: str, main: int, audited: int | None, before_ms: int, forgotten: list[int]) -> None:
    assert [snapshot.snapshot_id for snapshot in expirable(table(commits, main, audited), before_ms)] == forgotten


@pytest.mark.parametrize(
    ("looks", "forgotten"),
    [
        pytest.param([(60_000, 5)], [], id="nothing at the first look"),
        pytest.param([(60_000, 2), (100_000, 5), (179_000, 5)], [], id="nothing before the time is over"),
        pytest.param([(60_000, 2), (100_000, 5), (180_000, 5)], [1], id="what was left before the first look"),
        pytest.param([(60_000, 2), (100_000, 5), (220_000, 5)], [1, 2, 3, 4], id="what the tag left"),
    ],
)
def test_a_snapshot_stays_for_two_minutes_after_the_tag_has_left_it_however_old_it_is(looks: list[tuple[int, int]], forgotten: list[int]) -> None:
    departures = Departures(120_000)
    for now_ms, audited in looks:
        seen = table("-----", 5, audited)
        limit = departures.limit(seen, now_ms)
    assert [snapshot.snapshot_id for snapshot in expirable(seen, limit)] == forgotten
