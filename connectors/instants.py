"""Epoch milliseconds, which Kafka and the audit count in, as UTC datetimes and back."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def instant(epoch_ms: int) -> datetime:
    """The UTC datetime of epoch milliseconds.

    >>> instant(1500).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def epoch_ms(moment: datetime) -> int:
    """The inverse of `instant`; what is finer than a millisecond is rounded."""
    return round(moment.timestamp() * 1000)


def now_ms() -> int:
    """This moment in epoch milliseconds."""
    return time.time_ns() // 1_000_000
