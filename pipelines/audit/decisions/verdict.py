"""Judgements over summaries: a window, a partition's offsets, how long a held stream is left alone. Pure."""

from collections.abc import Mapping
from typing import Literal

from pipelines.audit.decisions.lake import Comparison, Offsets
from pipelines.audit.publication import CATCHING_UP, REPAIRING, UNEXPLAINED, Hold, Place

Verdict = Literal["stand", "duplicate", "clash", "double_commit", "overflow", "late", "none"]
CORRECT = frozenset({"stand", "duplicate"})
"""Verdicts of windows whose streamed rows stay: as they are, or with the duplicates' contribution taken out."""

LONGEST_WAIT_MS = 300_000
SOON_MS = 1_000
WAITS_MS: Mapping[str, int] = {UNEXPLAINED: 0, REPAIRING: SOON_MS, CATCHING_UP: SOON_MS}
"""What a bounded cycle has left goes on with the next ones, however long the stream has been held."""


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


def hold_for(reason: str, previous: Hold | None, now_ms: int, detail: str = "", places: tuple[Place, ...] | None = None) -> Hold:
    """The hold of a stream that was judged now and failed.

    It is judged again at once, then after as long as it has been held already, so that commits which were merely late heal it
    and a real error costs little. `places` None: those of `previous` are kept.
    """
    since = previous.since_ms if previous else now_ms
    wait = WAITS_MS.get(reason, min(now_ms - since, LONGEST_WAIT_MS))
    kept = previous.places if previous else ()
    return Hold(reason, since, now_ms + wait, detail, kept if places is None else places)


def is_due(hold: Hold | None, now_ms: int) -> bool:
    """True when a stream is to be judged in this cycle."""
    return hold is None or hold.retry_ms <= now_ms
