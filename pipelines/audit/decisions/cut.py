"""Which snapshots may be judged together: pure rules over window ends and append times."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from pipelines.audit.decisions.lake import Commit, Offsets, Span
from pipelines.audit.publication import Position, StreamFrontier


def least_reach(listed: tuple[int, ...], positions: Mapping[int, Position], offsets: Mapping[int, Offsets]) -> int:
    """The append time, epoch ms, that the journal has reached in every listed partition; -1 when one has no row yet."""
    return min((max(_published_reach(positions, p), offsets[p].reach_ms if p in offsets else -1) for p in listed), default=-1)


def through(commits: tuple[Commit, ...], head: int) -> tuple[Commit, ...]:
    """Commits up to and with the head as this cycle saw it; the table may have gone on."""
    return commits[: [commit.snapshot for commit in commits].index(head) + 1]


def bite(commits: Sequence[Commit], rows: int) -> int:
    """How many of the oldest commits may be opened at once: up to the first with which they add `rows` rows.

    >>> bite([Commit(1, 0, 5), Commit(2, 0, 5), Commit(3, 0, 5)], 8)
    2
    """
    return next((place for place, added in enumerate(accumulate(commit.rows for commit in commits), 1) if added >= rows), len(commits))


def is_past(reach_ms: int, window_end: int) -> bool:
    """True when a journal that reached `reach_ms` everywhere holds every row by which the window could have been closed.

    Strictly past: the row at the window's end itself may be one of several with that append time.
    """
    return reach_ms > window_end


def has_grown(spans: Mapping[str, Span], table: str, streams: Mapping[str, StreamFrontier]) -> bool:
    """True when every stream with new rows has a newer window among them.

    Where only published windows came again, rows that hide the repetition would be visible before the repetition is.
    """
    return all(span.last > streams[stream].windows[table].passed for stream, span in spans.items())


def lagging(spans: Mapping[str, Span], reach: Mapping[str, int]) -> frozenset[str]:
    """Streams whose journal has not passed their newest window; only streams named in `reach` are looked at."""
    return frozenset(stream for stream, span in spans.items() if stream in reach and not is_past(reach[stream], span.last))


def _published_reach(positions: Mapping[int, Position], partition: int) -> int:
    return positions[partition].reach_ms if partition in positions else -1
