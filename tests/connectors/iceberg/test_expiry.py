"""Which snapshots a table may forget."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from connectors.iceberg.expiry import FLINK_JOB, expirable

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
    return cast("Table", SimpleNamespace(metadata=SimpleNamespace(snapshots=snapshots, refs=refs)))


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
