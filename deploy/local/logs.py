"""One log per service, bounded: the last few megabytes, and as much again in `.1`."""

import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

BOUND_BYTES = 16 * 1024 * 1024
_POLL_SECONDS = 0.25


def path(folder: Path, name: str) -> Path:
    """The log of a service."""
    return folder / f"{name}.log"


def bound(folder: Path, limit: int = BOUND_BYTES) -> None:
    """Move the content of every log over the limit to `.1`. Its writer keeps the file, opened for appending."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as file:
                file.truncate()


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log; empty when there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return list(deque(file, maxlen=lines))
    except FileNotFoundError:
        return []


def follow(log: Path) -> Iterator[str]:
    """What is appended from now on; never ends."""
    position = log.stat().st_size if log.exists() else 0
    while True:
        size = log.stat().st_size if log.exists() else 0
        # Cut in the meantime: go on at its new beginning.
        position = min(position, size) if size >= position else 0
        if size > position:
            with log.open("rb") as file:
                file.seek(position)
                yield file.read().decode("utf-8", errors="replace")
                position = file.tell()
        time.sleep(_POLL_SECONDS)
