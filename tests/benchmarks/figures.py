"""Arithmetic of the benchmark: slopes, percentiles, and when an event became part of an answer. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

PERCENTILES = (50, 95, 99)
CLUSTER_SECONDS = 1.0
"""Commits of one checkpoint to several tables come within this time of each other."""
LEAST_POINTS = 3


@dataclass(frozen=True)
class Progress:
    """What had been committed at an instant: seconds since the epoch, rows in all tables together."""

    at: float
    rows: int


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least-squares slope of y over x; None for fewer than three points or a single x.

    >>> slope([(0, 1), (10, 3), (20, 5)])
    0.2
    """
    if len(points) < LEAST_POINTS or len({x for x, _ in points}) == 1:
        return None
    return linear_regression([x for x, _ in points], [y for _, y in points]).slope


def merged(commits: Mapping[str, Iterable[Progress]]) -> list[Progress]:
    """Commits of several tables as one progress: the sum of all tables after each group of commits that belong together.

    >>> [step.rows for step in merged({"a": [Progress(1, 10), Progress(6, 20)], "b": [Progress(1.5, 5), Progress(6.2, 9)]})]
    [15, 29]
    """
    rows = dict.fromkeys(commits, 0)
    found: list[Progress] = []
    for at, table, total in sorted((commit.at, table, commit.rows) for table, own in commits.items() for commit in own):
        rows[table] = total
        step = Progress(at, sum(rows.values()))
        if found and at - found[-1].at < CLUSTER_SECONDS:
            found[-1] = step
        else:
            found.append(step)
    return found


def percentile(values: Sequence[float], rank: int) -> float | None:
    """Nearest-rank percentile; None without values.

    >>> percentile([3, 1, 2, 4], 50)
    2
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * rank // 100) - 1)] if ordered else None


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and p99."""
    return {f"p{rank}": percentile(values, rank) for rank in PERCENTILES}


def delays_by_offset(events: Iterable[tuple[int, float]], published: Sequence[tuple[int, float]]) -> list[float]:
    """Seconds from append to publication of (offset, appended) events of one partition.

    `published` lists (next offset, visible at), ascending: an event is visible with the first next offset beyond it. Events
    that were not published are left out.

    >>> delays_by_offset([(4, 1.0), (5, 2.0)], [(5, 3.0), (6, 9.0)])
    [2.0, 7.0]
    """
    bounds = [bound for bound, _ in published]
    places = ((bisect_right(bounds, offset), appended) for offset, appended in events)
    return [published[place][1] - appended for place, appended in places if place < len(published)]


def delays_by_window(events: Iterable[float], published: Sequence[tuple[float, float]], seconds: int) -> list[float]:
    """Seconds from append to publication of the window of `seconds` that holds the event.

    >>> delays_by_window([3.0, 11.0], [(10, 12.0), (20, 23.5)], 10)
    [9.0, 12.5]

    `published` lists (window end, visible at), ascending: a window is visible with the first end at or past its own.
    """
    bounds = [bound for bound, _ in published]
    places = ((bisect_left(bounds, (appended // seconds + 1) * seconds), appended) for appended in events)
    return [published[place][1] - appended for place, appended in places if place < len(published)]
