"""What an adapter is and what it yields. An adapter is a module of this package that defines `ADAPTER`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol

from contracts.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH = datetime.fromtimestamp(0, UTC)
MILLISECOND = timedelta(milliseconds=1)


class SourceError(ConfigurationError):
    """A path holds nothing that the adapter can read; the message is `path: what`."""


@dataclass(frozen=True, slots=True)
class Event:
    """A canonical event of one of our streams, envelope included; `done` is the share of the input read so far."""

    stream: str
    payload: dict[str, Any]
    done: float = 0.0


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line, counted from 1, that cannot be read at all."""

    where: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something readable that gives no event although its kind should; `reason` is a short code."""

    where: str
    line: int
    reason: str


Item = Event | BadLine | Skipped


class Adapter(Protocol):
    """Reads one kind of source.

    The same files give the same items in the same order, so the number of items taken is a position to resume from, and
    an event told twice has the same identity, time and payload. Reading never writes and may be repeated.
    """

    name: str

    def read(self, path: Path) -> Iterator[Item]:
        """Yield everything below a file or folder.

        Raises:
            SourceError: there is nothing to read.
        """
        ...


def adapters() -> dict[str, Adapter]:
    """Return every adapter by name, found by being there."""
    modules = [import_module(f"connectors.sources.{found.name}") for found in iter_modules([str(Path(__file__).parent)])]
    found = [module.ADAPTER for module in modules if hasattr(module, "ADAPTER")]
    return {adapter.name: adapter for adapter in found}


def milliseconds(text: str) -> int:
    """Return the epoch milliseconds of an ISO-8601 time with a zone, finer digits cut off.

    >>> milliseconds("2026-01-05T12:17:31.697999Z")
    1767615451697

    Raises:
        ValueError: it is no such time.
    """
    return (datetime.fromisoformat(text) - EPOCH) // MILLISECOND
