"""What the simulator sends: the same again from the same scenario, good where it says good, broken where it says bad."""

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from contracts.registry import load
from contracts.validator import Validator
from pipelines.simulation.messages import Message, messages
from pipelines.simulation.scenario import Scenario

CONTRACTS = load()
START_MS = 1_795_000_000_000
SCENARIO = Scenario(start_ms=START_MS, rate=1000, count=20_000, duplicates=0.03, conflicts=0.02, late=0.04, malformed=0.05)


@pytest.fixture(scope="module")
def sent() -> list[Message]:
    return list(messages(SCENARIO, CONTRACTS))


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(CONTRACTS)


def identity(message: Message) -> tuple[str, str, str]:
    return message.event["tenant_id"], message.event["source"], message.event["event_id"]


def good(sent: list[Message]) -> list[Message]:
    return [message for message in sent if message.kind == "good"]


def test_the_same_scenario_gives_the_same_bytes(sent: list[Message]) -> None:
    def digest(made: list[Message]) -> str:
        return hashlib.sha256(repr([message.record for message in made]).encode()).hexdigest()

    assert digest(sent) == digest(list(messages(SCENARIO, CONTRACTS)))


@pytest.mark.parametrize("other", [replace(SCENARIO, seed=8), replace(SCENARIO, start_ms=START_MS + 1)])
def test_another_seed_or_start_is_another_world(sent: list[Message], other: Scenario) -> None:
    assert {identity(message) for message in sent}.isdisjoint(identity(message) for message in messages(other, CONTRACTS))


def test_the_shares_of_faults_are_as_asked(sent: list[Message]) -> None:
    kinds = Counter(message.kind.split(":")[0] for message in sent)
    shares = {kind: count / len(sent) for kind, count in kinds.items()}
    assert shares == pytest.approx({"good": 0.90, "duplicate": 0.03, "conflicting": 0.02, "bad": 0.05}, abs=0.006)


def test_every_good_duplicate_and_conflicting_message_keeps_its_contract(sent: list[Message], validator: Validator) -> None:
    wrong = [(message.kind, validator.check(message.stream, message.record.value, START_MS)) for message in sent if not message.kind.startswith("bad")]
    assert [found for found in wrong if found[1]] == []


def test_every_bad_message_breaks_its_contract(sent: list[Message], validator: Validator) -> None:
    bad = [message for message in sent if message.kind.startswith("bad")]
    assert [message.kind for message in bad if validator.check(message.stream, message.record.value, START_MS) is None] == []


def test_good_events_are_told_once(sent: list[Message]) -> None:
    identities = [identity(message) for message in good(sent)]
    assert len(set(identities)) == len(identities)


def test_a_duplicate_repeats_an_earlier_record_byte_for_byte(sent: list[Message]) -> None:
    told: set[bytes | None] = set()
    for message in sent:
        if message.kind == "duplicate":
            assert message.record.value in told
        told.add(message.record.value)


def test_a_conflict_repeats_identity_time_and_key_but_not_the_payload(sent: list[Message]) -> None:
    first = {identity(message): message for message in reversed(sent) if message.kind == "good"}
    for message in sent:
        if message.kind == "conflicting":
            original = first[identity(message)]
            assert (message.event["event_time"], message.record.key) == (original.event["event_time"], original.record.key)
            assert message.record.value != original.record.value


def test_some_events_arrive_long_after_they_happened(sent: list[Message]) -> None:
    lags = [SCENARIO.clock(number) - message.event["event_time"] for number, message in enumerate(sent) if message.kind == "good"]
    late = sum(lag > 1000 for lag in lags) / len(lags)
    assert 0.01 < late < 0.05


def test_without_lateness_events_follow_the_clock() -> None:
    calm = Scenario(start_ms=START_MS, rate=500, count=2000)
    for number, message in enumerate(messages(calm, CONTRACTS)):
        assert 0 < calm.clock(number) - message.event["event_time"] <= 205


def test_a_backfill_spreads_event_time_over_the_past() -> None:
    backfill = Scenario(start_ms=START_MS, rate=0, count=2000, spread_s=86_400)
    times = [message.event["event_time"] for message in messages(backfill, CONTRACTS)]
    assert min(times) < START_MS - 86_000_000
    assert START_MS - 1_000_000 < max(times) < START_MS


def test_terminal_events_agree_with_what_their_run_said_before() -> None:
    started: dict[tuple[str, int], int] = {}
    for message in messages(Scenario(start_ms=START_MS, count=5000), CONTRACTS):
        event = message.event
        if event["event_type"] == "run.started":
            started[event["run_id"], event["attempt"]] = event["event_time"]
        if event["event_type"] in {"run.succeeded", "run.failed", "run.cancelled", "run.timed_out"}:
            assert event["started_at"] == started[event["run_id"], event["attempt"]]


def test_an_endless_scenario_goes_on() -> None:
    endless = Scenario(start_ms=START_MS, rate=10)
    assert len(list(islice(messages(endless, CONTRACTS), 300))) == 300


def test_few_tenants_do_most_of_the_work(sent: list[Message]) -> None:
    runs = Counter(message.event["tenant_id"] for message in good(sent))
    assert sum(count for _, count in runs.most_common(4)) > 0.3 * runs.total()


def test_a_stream_that_the_platform_does_not_have_changes_nothing(sent: list[Message]) -> None:
    more = replace(CONTRACTS, streams={**CONTRACTS.streams, "jobs": CONTRACTS.streams["runs"].model_copy(update={"name": "jobs"})})
    assert list(islice(messages(SCENARIO, more), 1000)) == sent[:1000]
