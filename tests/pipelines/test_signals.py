"""A process that runs until told otherwise hears both ways of being told."""

import os
import signal
from collections.abc import Iterator

import pytest

from pipelines.signals import stop_signal


@pytest.fixture
def handlers_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers_restored")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event(number: signal.Signals) -> None:
    stop = stop_signal()
    assert not stop.is_set()
    os.kill(os.getpid(), number)
    assert stop.wait(1)
