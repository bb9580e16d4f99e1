"""Bad input of every class: quarantined with its reason, kept byte for byte, and nobody else's trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from pipelines.audit.engine.quarantine_encryption import QuarantineCipher
from tests.stack.nonsense import Case, cases, good

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.stack.local_stack import Place, Stack

pytestmark = pytest.mark.stack
STREAMS = ("runs", "model_calls")
NAMES = [*cases("runs", 10**12)]
BAD = [name for name, case in cases("runs", 10**12).items() if case.reason]
ODD = [name for name in NAMES if name not in BAD]
Rows = dict[tuple[str, int, int], dict[str, Any]]


class Sent:
    """The cases as sent, where they are, and what the stack has made of them."""

    def __init__(self, stack: Stack) -> None:
        sent_ms = now_ms()
        self.failures_before = stack.job_failures()
        self.cases: Mapping[tuple[str, str], Case] = {(stream, name): case for stream in STREAMS for name, case in cases(stream, sent_ms).items()}
        self.places = {(stream, name): self._send(stack, stream, case) for (stream, name), case in self.cases.items()}
        self.neighbours = {stream: stack.produce_raw(stream, [canonical(good(stream, f"n-{n}", sent_ms)) for n in range(50)]) for stream in STREAMS}
        stack.await_audited(max(place[2] for places in self.neighbours.values() for place in places))
        self.quarantine = self._read(stack, "ops.quarantine")
        self.journal = {key: row for stream in STREAMS for key, row in self._read(stack, f"journal.{stream}").items()}
        self.vault = QuarantineCipher(stack.settings.key_file)
        self.topics = stack.topics

    def coordinates(self, stream: str, name: str) -> tuple[str, int, int]:
        return self.topics[stream], *self.places[stream, name][:2]

    def _send(self, stack: Stack, stream: str, case: Case) -> Place:
        (place,) = stack.produce_raw(stream, [case.value], case.key)
        return place

    def _read(self, stack: Stack, name: str) -> Rows:
        table = stack.catalog.load_table(name)
        since = min(place[1] for place in self.places.values())
        rows = table.scan(row_filter=f"offset >= {since}", snapshot_id=table.metadata.refs["audited"].snapshot_id).to_arrow()
        return {(row["topic"], row["partition"], row["offset"]): row for row in rows.to_pylist()}


@pytest.fixture(scope="module")
def sent(stack: Stack) -> Sent:
    return Sent(stack)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_quarantined_with_reason_and_field(sent: Sent, stream: str, name: str) -> None:
    row = sent.quarantine.get(sent.coordinates(stream, name), {})
    assert (row.get("reason"), row.get("field")) == sent.cases[stream, name][1:3]


@pytest.mark.parametrize("name", BAD)
def test_quarantined_bytes_are_those_that_were_sent(sent: Sent, name: str) -> None:
    kept = [sent.quarantine[sent.coordinates(stream, name)] for stream in STREAMS]
    opened = [(sent.vault.open(row["value"]), sent.vault.open(row["key"])) for row in kept]
    assert opened == [(sent.cases[stream, name].value, sent.cases[stream, name].key) for stream in STREAMS]


def test_no_quarantined_byte_lies_open(sent: Sent) -> None:
    assert [row for row in sent.quarantine.values() if b"tenant_id" in (row["value"] or b"")] == []


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_not_journaled(sent: Sent, name: str) -> None:
    assert [stream for stream in STREAMS if sent.coordinates(stream, name) in sent.journal] == []


@pytest.mark.parametrize("name", ODD)
def test_odd_input_that_keeps_the_contract_is_journaled(sent: Sent, name: str) -> None:
    assert [stream for stream in STREAMS if sent.coordinates(stream, name) not in sent.journal] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_good_input_beside_bad_input_is_journaled(sent: Sent, stream: str) -> None:
    assert [place for place in sent.neighbours[stream] if (sent.topics[stream], *place[:2]) not in sent.journal] == []


def test_bad_input_does_not_fail_the_job(stack: Stack, sent: Sent) -> None:
    assert stack.job_failures() == sent.failures_before


def test_bad_input_holds_no_stream(stack: Stack, sent: Sent) -> None:
    assert sent.places
    assert stack.trino().query("SELECT dataset, reason FROM serving.dataset_status WHERE verdict <> 'pass'")[1] == []
