"""Releases that an operator asks of the audit that runs: one file per stream in the run directory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PAUSE_S = 0.2


class ReleaseRequests:
    """What was asked and is not yet done; a request outlives the audit that did not get to it."""

    def __init__(self, home: Path) -> None:
        """`home` is the run directory."""
        self._folder = home / "audit" / "releases"

    def asked(self) -> frozenset[str]:
        """Streams whose release was asked."""
        return frozenset(path.name for path in self._folder.iterdir()) if self._folder.exists() else frozenset()

    def ask(self, streams: Iterable[str]) -> None:
        """Ask for the release of streams; may be repeated."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for stream in streams:
            (self._folder / stream).touch()

    def close(self, streams: Iterable[str]) -> None:
        """The release of these streams is done, or given up."""
        for stream in streams:
            (self._folder / stream).unlink(missing_ok=True)

    def await_done(self, streams: frozenset[str], timeout_s: float) -> frozenset[str]:
        """Wait until an audit has done what was asked; the streams that it has not released in time, whose requests are withdrawn."""
        deadline = time.monotonic() + timeout_s
        while (left := streams & self.asked()) and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        self.close(left)
        return left
