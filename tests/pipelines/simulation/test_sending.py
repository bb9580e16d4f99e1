"""Pace: even at the asked rate, at once without one, and ended by the stop signal."""

import time
from itertools import islice
from threading import Event

from contracts.registry import load
from pipelines.simulation.messages import Message, messages
from pipelines.simulation.scenario import Scenario
from pipelines.simulation.sending import paced

CONTRACTS = load()
GRAIN_S = 0.05
"""Messages that are due within so short a time leave together."""
SOURCE = Scenario(start_ms=1_795_000_000_000, rate=1000)


def made(count: int) -> list[Message]:
    return list(islice(messages(SOURCE, CONTRACTS), count))


def test_no_message_leaves_before_its_time() -> None:
    begun = time.monotonic()
    times = [time.monotonic() - begun for _ in paced(made(500), 1000, Event())]
    assert [moment for number, moment in enumerate(times) if moment < number / 1000 - GRAIN_S] == []


def test_a_rate_of_zero_means_at_once() -> None:
    assert len(list(paced(made(200), 0, Event()))) == 200


def test_the_stop_signal_ends_it_in_the_middle() -> None:
    stop = Event()
    left = []
    for message in paced(made(100), 0, stop):
        left.append(message)
        if len(left) == 10:
            stop.set()
    assert len(left) == 10
