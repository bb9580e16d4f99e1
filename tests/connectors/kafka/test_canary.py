"""Canaries are valid, recognisable and on a steady grid."""

import time
from itertools import islice
from threading import Event

import pytest

from connectors.instants import now_ms
from connectors.kafka.canary import CanaryTarget, beat, ticks
from connectors.kafka.records import canonical
from contracts.registry import Registry, load
from contracts.validator import Validator


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def test_a_canary_of_every_stream_keeps_its_contract(registry: Registry) -> None:
    validator, now = Validator(registry), now_ms()
    for stream in registry.streams.values():
        value = canonical(beat(CanaryTarget(stream.topic, stream), 0, now))
        assert validator.check(stream.name, value, now) is None


def test_the_same_tick_of_a_partition_is_the_same_event(registry: Registry) -> None:
    target = CanaryTarget("runs.v1", registry.streams["runs"])
    assert beat(target, 1, 1000) == beat(target, 1, 1000)
    assert beat(target, 1, 1000)["event_id"] != beat(target, 0, 1000)["event_id"]


def test_every_entity_of_a_canary_is_called_canary(registry: Registry) -> None:
    for stream in registry.streams.values():
        event = beat(CanaryTarget(stream.topic, stream), 0, 1000)
        assert {event[name] for name in ("tenant_id", *stream.entities)} == {"canary"}


def test_ticks_lie_on_the_grid_and_are_left_out_when_slept_through() -> None:
    grid = ticks(0.02, Event())
    first = next(grid)
    time.sleep(0.07)
    second, third = islice(grid, 2)
    assert (first % 20, second % 20, third - second) == (0, 0, 20)
    assert second - first >= 60


def test_ticks_end_when_told_to_stop() -> None:
    stop = Event()
    stop.set()
    assert list(ticks(60, stop)) == []
