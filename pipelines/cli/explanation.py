"""Why a stream is held: the reason, what was found, what is concerned, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.audit.publication import (
    BEHIND,
    CATCHING_UP,
    FAILED,
    MISCOUNTED,
    MISMATCH,
    MISREAD,
    REFUSED,
    REPAIRING,
    STRAY,
    UNEXPLAINED,
)
from pipelines.cli.output import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines.audit.publication import StreamFrontier

RELEASE = "`daybook audit --release {stream}` publishes the stream by the journal"
WAIT = "nothing: the next cycles go on with it"
ADVICE: Mapping[str, str] = {
    BEHIND: "see that the intake job runs and every partition gets records (`daybook status`); the stream heals by itself",
    FAILED: "mend what the sentence names; the stream is judged again by itself, and cannot be released before",
    MISCOUNTED: f"look at the offsets in ops.completeness; {RELEASE}",
    STRAY: f"a topic may have been restored; compare the rows at the offsets with those published; {RELEASE} without counting them",
    MISMATCH: f"compare ops.reconciliation and the windows named; if the journal is right, {RELEASE}",
    MISREAD: f"compare the records named with the journal; when they are read right the stream heals, else {RELEASE}",
    REFUSED: f"compare the records with the contract; {RELEASE} without them, and they stay in the quarantine",
    CATCHING_UP: WAIT,
    REPAIRING: WAIT,
    UNEXPLAINED: WAIT,
}
"""What an operator can do, for every reason of a hold."""


def explained(stream: str, frontier: StreamFrontier) -> Iterator[str]:
    """Lines about the hold and the incidents of a stream."""
    hold = frontier.hold
    if hold is None:
        yield f"{stream} is not held"
    else:
        yield f"{stream} is held ({hold.reason}) since {clock(hold.since_ms)}, and judged again at {clock(hold.retry_ms)}"
        yield f"found      {hold.detail or 'nothing more is known'}"
        if hold.places:
            yield f"misread    {', '.join(f'{partition}/{offset}' for partition, offset in hold.places)} (partition/offset)"
        yield f"offsets    published up to {', '.join(f'{p}/{position.next_offset}' for p, position in frontier.positions.items())} (partition/offset)"
        hidden = {name: windows for name, windows in frontier.windows.items() if windows.proved < windows.passed}
        for name, windows in hidden.items():
            yield f"hidden     windows of {name} that end after {clock(windows.proved)}, up to {clock(windows.passed)}"
        yield f"what to do {ADVICE[hold.reason].format(stream=stream)}"
    for incident in frontier.incidents:
        yield f"incident   {incident.kind} since {clock(incident.since_ms)}: {incident.detail}; `daybook audit --release {stream}` acknowledges it"
