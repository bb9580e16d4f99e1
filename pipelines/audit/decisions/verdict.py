"""Judgements over summaries: a window, a partition's offsets, how long a held stream is left alone. Pure."""

from typing import Literal

from pipelines.audit.decisions.lake import Comparison, Offsets
from pipelines.audit.publication import UNEXPLAINED, Hold

Verdict = Literal["stand", "duplicate", "clash", "double_commit", "overflow", "late", "none"]
CORRECT = frozenset({"stand", "duplicate"})
"""Verdicts of windows whose streamed rows stay: as they are, or with the duplicates' contribution taken out."""

LONGEST_WAIT_MS = 300_000


def judge(comparison: Comparison) -> Verdict:
    """Why Flink's rows of a window may stay, or what made them wrong; `none` when nothing known did."""
    if comparison.equal_raw:
        if comparison.has_clashes:
            return "clash"
        return "duplicate" if comparison.has_duplicates else "stand"
    if comparison.doubled:
        return "double_commit"
    if comparison.overflowed and comparison.equal_otherwise:
        return "overflow"
    return "late" if comparison.has_late else "none"


def count_missing(next_offset: int, offsets: Offsets) -> int:
    """How many offsets from `next_offset` through the greatest one are not in the journal."""
    return offsets.high + 1 - next_offset - offsets.distinct


def hold_for(reason: str, previous: Hold | None, now_ms: int) -> Hold:
    """The hold of a stream that was judged now and failed.

    It is judged again at once, then after as long as it has been held already, so that commits which were merely late heal it
    and a real error costs little. A budget that ran out goes on in the next cycle.
    """
    since = previous.since_ms if previous else now_ms
    wait = 0 if reason == UNEXPLAINED else min(now_ms - since, LONGEST_WAIT_MS)
    return Hold(reason, since, now_ms + wait)


def is_due(hold: Hold | None, now_ms: int) -> bool:
    """True when a stream is to be judged in this cycle."""
    return hold is None or hold.retry_ms <= now_ms
