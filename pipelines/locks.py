"""One process at a time: a lock on a file, which the system lets go of when the process ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contracts.errors import DaybookError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class LockedError(DaybookError):
    """Another process holds the lock; the message names the file and the process."""


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock for the length of a `with` block.

    Raises:
        LockedError: another process holds it, and `wait` is not set.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            message = f"{path.name}: held by process {file.read().strip() or 'unknown'}"
            raise LockedError(message) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
