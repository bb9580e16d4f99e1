"""Clean stops: one event that SIGTERM and SIGINT set, for every process that runs until told otherwise."""

from __future__ import annotations

import signal
from threading import Event


def stop_signal() -> Event:
    """Return an event that SIGTERM or SIGINT sets. Call it in the main thread; it replaces earlier handlers."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
