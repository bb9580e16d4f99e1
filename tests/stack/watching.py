"""A reader that asks Trino all the time, whatever happens to the engines, and keeps every answer."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import trino.exceptions

from connectors.trino.client import QueryError
from tests.stack.load import TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stack.local_stack import Stack

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


class Question(NamedTuple):
    """A query of one row of two numbers, and the reading that they make."""

    sql: str
    reading: Callable[[int, int], FactReading | PartialReading]


def _fact(fact: str) -> Question:
    identities = "COUNT(DISTINCT CAST(ROW(tenant_id, source, event_id) AS JSON))"
    return Question(f"SELECT COUNT(*), {identities} FROM serving.{fact} WHERE {TENANTS}", partial(FactReading, fact))


def _partial(table: str, stream: str) -> Question:
    newest = "CAST(ROUND(to_unixtime(MAX(window_end)) * 1000) AS BIGINT)"
    return Question(f"SELECT {newest}, SUM(n) FROM audited.{table} WHERE stream = '{stream}' AND {TENANTS}", partial(PartialReading, table, stream))


QUESTIONS = (_fact("run_events"), _fact("model_calls"), _partial("kpis", "runs"), _partial("kpis", "model_calls"), _partial("runs", "runs"))
"""Facts of two streams, and those streams in partial tables of which every event is a row's part."""


class Watched:
    """What a reader saw, in order."""

    def __init__(self) -> None:
        self.facts: list[FactReading] = []
        self.partials: list[PartialReading] = []
        self.refusals: list[str] = []

    def watch(self, stack: Stack, stop: Event) -> None:
        """Ask each question by itself, then all of them in one query, until told to stop."""
        client = stack.trino()
        while not stop.is_set():
            for questions in (*((question,) for question in QUESTIONS), QUESTIONS):
                try:
                    self._note(questions, client.query(_together(questions))[1][0])
                except (QueryError, trino.exceptions.Error, OSError) as error:
                    self.refusals.append(str(error))
                    stop.wait(0.2)

    def _note(self, questions: tuple[Question, ...], row: tuple[int, ...]) -> None:
        for question, *numbers in zip(questions, row[::2], row[1::2], strict=True):
            reading = question.reading(*numbers)
            if isinstance(reading, FactReading):
                self.facts.append(reading)
            elif reading.window_end is not None:
                self.partials.append(reading)


def _together(questions: tuple[Question, ...]) -> str:
    return "SELECT * FROM " + " CROSS JOIN ".join(f"({question.sql})" for question in questions)


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
