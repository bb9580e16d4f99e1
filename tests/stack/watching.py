"""A reader that asks Trino all the time, whatever happens to the engines, and keeps every answer."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import trino.exceptions

from connectors.trino.client import QueryError
from tests.stack.load import TENANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack.local_stack import Stack

WATCHED_FACTS = ("run_events", "model_calls")
WATCHED_PARTIALS = (("kpis", "runs"), ("kpis", "model_calls"), ("runs", "runs"))
"""Partial table and stream, of which every event of the stream is a row's part."""
WINDOW_MS = 10_000


class FactReading(NamedTuple):
    """Rows and distinct identities of a fact."""

    fact: str
    rows: int
    identities: int


class PartialReading(NamedTuple):
    """Newest window end (epoch ms) of a stream in a partial table, and its events."""

    table: str
    stream: str
    window_end: int
    events: int


class Watched:
    """What a reader saw, in order."""

    def __init__(self) -> None:
        self.facts: list[FactReading] = []
        self.partials: list[PartialReading] = []
        self.refusals: list[str] = []

    def watch(self, stack: Stack, stop: Event) -> None:
        """Ask until told to stop."""
        client = stack.trino()
        while not stop.is_set():
            for question in (*self._facts(), *self._partials()):
                try:
                    self._note(question, client.query(question[-1])[1][0])
                except (QueryError, trino.exceptions.Error, OSError) as error:
                    self.refusals.append(str(error))
                    stop.wait(0.2)

    def _note(self, question: tuple[str, ...], row: tuple[int, ...]) -> None:
        if len(question) == 2:
            self.facts.append(FactReading(question[0], *row))
        elif row[0] is not None:
            self.partials.append(PartialReading(question[0], question[1], *row))

    @staticmethod
    def _facts() -> Iterator[tuple[str, str]]:
        identities = "COUNT(DISTINCT CAST(ROW(tenant_id, source, event_id) AS JSON))"
        for fact in WATCHED_FACTS:
            yield fact, f"SELECT COUNT(*), {identities} FROM serving.{fact} WHERE {TENANTS}"

    @staticmethod
    def _partials() -> Iterator[tuple[str, str, str]]:
        for table, stream in WATCHED_PARTIALS:
            newest = "CAST(ROUND(to_unixtime(MAX(window_end)) * 1000) AS BIGINT)"
            yield table, stream, f"SELECT {newest}, SUM(n) FROM audited.{table} WHERE stream = '{stream}' AND {TENANTS}"


@contextmanager
def watching(stack: Stack) -> Iterator[Watched]:
    """Watch for as long as the block lasts."""
    watched, stop = Watched(), Event()
    reader = Thread(target=watched.watch, args=(stack, stop))
    reader.start()
    try:
        yield watched
    finally:
        stop.set()
        reader.join()
