"""Opening one stream's journal for a cycle: a bounded bite of it, repaired where records are there twice."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.datasets import journal_of
from pipelines.audit.decisions import cut
from pipelines.audit.decisions.lake import Conflict, Lake, Offsets, StreamFailure
from pipelines.audit.publication import FAILED, REPAIRING, Publication

REPAIRS = 3
"""A journal that needs more repairs in a row waits: Flink goes on committing meanwhile."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A journal as one cycle sees it.

    `snapshot`: what is opened, free of double commits. `offsets`: summary per partition. `is_whole`: nothing newer was there.
    """

    snapshot: int
    offsets: Mapping[int, Offsets]
    is_whole: bool
    is_repaired: bool


def open_stream(lake: Lake, published: Publication, stream: str, head: int, rows: int) -> Opening:
    """Open the journal of a stream through the first commit with which `rows` new rows are open; 0: nothing new.

    A repair is a commit to the head, so that everything before it is opened with it, now and as long as it is not published.

    Raises:
        StreamFailure: the stream cannot be judged in this cycle.
    """
    frontier, since = published.streams[stream], published.targets[journal_of(stream)]
    snapshot = _bitten(lake, stream, since, head, rows)
    offsets = lake.open_journal(stream, since, snapshot, frontier)
    repairs = 0
    for _ in range(REPAIRS):
        if not _repeated(offsets):
            break
        try:
            snapshot = head = lake.drop_double_commits(stream)
        except Conflict:
            continue
        repairs += 1
        offsets = lake.open_journal(stream, since, snapshot, frontier)
    if _repeated(offsets):
        message = "records are in the journal twice, and repairing it does not help"
        raise StreamFailure(stream, message, FAILED if repairs == REPAIRS else REPAIRING)
    return Opening(snapshot, offsets, snapshot == head, repairs > 0)


def _bitten(lake: Lake, stream: str, since: int, head: int, rows: int) -> int:
    if head == since or rows == 0:
        return since
    try:
        commits = lake.commits(journal_of(stream), since)
    except Conflict as error:
        message = f"the journal's published snapshot {since} is not in the history of its head {head}"
        raise StreamFailure(stream, message) from error
    through = cut.through(commits, head)
    repaired = max((place for place, commit in enumerate(through, 1) if commit.is_repair), default=0)
    return through[max(cut.bite(through, rows), repaired) - 1].snapshot


def _repeated(offsets: Mapping[int, Offsets]) -> bool:
    return any(found.repeated for found in offsets.values())
