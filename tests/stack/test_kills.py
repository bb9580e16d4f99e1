"""Engines and audit killed one after another under load: nothing lost, nothing doubled, and no reader ever saw a wrong number."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest

from connectors.instants import now_ms
from connectors.kafka.topics import Topics
from tests.stack.comparison import assert_fact, assert_percentiles, assert_runs, assert_sums
from tests.stack.load import counted, deliveries, load_going_on
from tests.stack.oracle import FACTS, PERCENTILES, SUMS
from tests.stack.watching import WINDOW_MS, Watched, watching

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
VICTIMS = ("taskmanager", "catalog", "audit", "kafka")
RATE = 400
RECOVERY_S = 420
STREAMS = ("runs", "model_calls")


class Aftermath(NamedTuple):
    """What was sent, what counts of it, what a reader saw, and the published positions per cycle."""

    sent: pl.DataFrame
    events: dict[str, pl.DataFrame]
    watched: Watched
    completeness: pl.DataFrame


@pytest.fixture(scope="module")
def aftermath(stack: Stack) -> Aftermath:
    with watching(stack) as watched:
        with load_going_on(stack, seed=23, rate=RATE):
            for victim in VICTIMS:
                stack.await_audited(now_ms(), RECOVERY_S)
                stack.kill(victim)
            stack.await_audited(now_ms(), RECOVERY_S)
        sent = deliveries(stack)
        stack.await_audited(int(sent["appended_ms"].max()), RECOVERY_S)  # type: ignore[arg-type]
    rows = stack.catalog.load_table("ops.completeness").scan().to_arrow()
    events = {stream: counted(sent, stream) for stream in STREAMS}
    return Aftermath(sent, events, watched, pl.DataFrame(rows).sort("topic", "partition", "first_offset"))


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


def published_counts(aftermath: Aftermath, fact: str) -> set[int]:
    """How many rows a fact had after each publication."""
    stream, belongs = FACTS[fact]
    kept = aftermath.events[stream].filter(belongs)
    moves = aftermath.completeness.filter(pl.col("topic").str.starts_with(f"{stream}.")).sort("cycle")
    reached: dict[int, int] = {}
    counts = {0}
    for (_,), moved in moves.group_by("cycle", maintain_order=True):
        reached |= dict(moved.select("partition", "next_offset").iter_rows())
        counts.add(sum(kept.filter(partition=partition).filter(pl.col("offset") < end).height for partition, end in reached.items()))
    return counts


def by_window(events: pl.DataFrame, window_end: int) -> int:
    """How many events were appended in windows up to one."""
    return events.filter(pl.col("appended_ms") - pl.col("appended_ms") % WINDOW_MS + WINDOW_MS <= window_end).height


def test_every_victim_was_started_again(stack: Stack, aftermath: Aftermath) -> None:
    assert aftermath.sent.height
    services = stack.services()
    assert {victim: services[victim]["restarts"] > 0 for victim in VICTIMS} == dict.fromkeys(VICTIMS, True)


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_exact_after_kills(trino: TrinoClient, aftermath: Aftermath, fact: str) -> None:
    assert_fact(trino, aftermath.events, fact)


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_exact_after_kills(trino: TrinoClient, aftermath: Aftermath, kpi: str) -> None:
    assert_sums(trino, aftermath.events, kpi, "")


@pytest.mark.parametrize("kpi", PERCENTILES)
def test_percentiles_are_right_after_kills(trino: TrinoClient, aftermath: Aftermath, kpi: str) -> None:
    assert_percentiles(trino, aftermath.events, kpi, "_hourly")


def test_runs_are_exact_after_kills(trino: TrinoClient, aftermath: Aftermath) -> None:
    assert_runs(trino, aftermath.events)


def test_the_reader_saw_the_numbers_grow(aftermath: Aftermath) -> None:
    watched = aftermath.watched
    assert len({reading.rows for reading in watched.facts}) >= 5, watched.refusals[-3:]
    assert len({reading.window_end for reading in watched.partials}) >= 5, watched.refusals[-3:]


def test_no_reader_saw_an_identity_twice(aftermath: Aftermath) -> None:
    assert [reading for reading in aftermath.watched.facts if reading.rows != reading.identities] == []


def test_no_reader_saw_a_fact_go_back(aftermath: Aftermath) -> None:
    for fact in FACTS:
        seen = [reading.rows for reading in aftermath.watched.facts if reading.fact == fact]
        assert [pair for pair in pairwise(seen) if pair[0] > pair[1]] == []


def test_every_number_of_facts_a_reader_saw_was_published(aftermath: Aftermath) -> None:
    legal = {fact: published_counts(aftermath, fact) for fact in {reading.fact for reading in aftermath.watched.facts}}
    assert [reading for reading in aftermath.watched.facts if reading.rows not in legal[reading.fact]] == []


def test_every_number_of_a_kpi_a_reader_saw_is_that_of_whole_windows(aftermath: Aftermath) -> None:
    seen = Counter(aftermath.watched.partials)
    assert [reading for reading in seen if reading.events != by_window(aftermath.events[reading.stream], reading.window_end)] == []


def test_no_reader_saw_windows_go_back(aftermath: Aftermath) -> None:
    series: dict[tuple[str, str], list[int]] = {}
    for reading in aftermath.watched.partials:
        series.setdefault((reading.table, reading.stream), []).append(reading.window_end)
    assert [pair for ends in series.values() for pair in pairwise(ends) if pair[0] > pair[1]] == []


def test_accounted_ranges_follow_each_other_from_the_first_offset(aftermath: Aftermath) -> None:
    for _, ranges in aftermath.completeness.group_by("topic", "partition", maintain_order=True):
        assert ranges["first_offset"].to_list() == [0, *ranges["next_offset"].to_list()[:-1]]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_offset_is_journaled_once_or_quarantined_once_or_absent(stack: Stack, aftermath: Aftermath, stream: str) -> None:
    topic = stack.topics[stream]
    ends = aftermath.completeness.filter(topic=topic).group_by("partition").agg(pl.col("next_offset").max(), pl.col("absent").sum())
    for partition, end, absent in ends.iter_rows():
        places = offsets(stack, f"journal.{stream}", topic, partition, end) + offsets(stack, "ops.quarantine", topic, partition, end)
        assert len(places) == len(set(places)) == end - absent
        assert end > aftermath.sent.filter(stream=stream, partition=partition)["offset"].max()
        assert end <= Topics(stack.endpoints["kafka"]).offsets(topic)[partition][1]


def offsets(stack: Stack, name: str, topic: str, partition: int, end: int) -> list[int]:
    """Offsets below an end in the published state of a table."""
    table = stack.catalog.load_table(name)
    condition = f"topic = '{topic}' AND partition = {partition} AND offset < {end}"
    rows = table.scan(condition, selected_fields=("offset",), snapshot_id=table.metadata.refs["audited"].snapshot_id).to_arrow()
    found: list[int] = rows["offset"].to_pylist()
    return found
