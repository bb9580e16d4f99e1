"""Gate and validator hold the same records for valid, and decode them alike: on generated records, through the real job."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from connectors.instants import now_ms
from contracts import registry
from contracts.decoding import decode
from contracts.validator import ARRAY, Validator, Violation
from tests.stack.generated import generate
from tests.stack.local_stack import await_that

if TYPE_CHECKING:
    from contracts.model import Field
    from tests.stack.local_stack import Place, Stack

pytestmark = pytest.mark.stack
MIXTURES = 900
CONTRACTS = registry.load()


class Judged(NamedTuple):
    """One record, what the validator says of it, and its row in the journal if it has one."""

    value: bytes
    violation: Violation | None
    row: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"\n{self.value[:900]!r}\n  validator: {self.violation}; journaled: {self.row is not None}"


@pytest.fixture(scope="module")
def sent(stack: Stack) -> dict[str, list[tuple[bytes, Place]]]:
    """The generated records of every stream and where they are, passed by the job."""
    sent_ms = now_ms()
    values = {stream.name: generate(stream, sent_ms, MIXTURES) for stream in CONTRACTS.streams.values()}
    found = {stream: [*zip(values[stream], stack.produce_raw(stream, values[stream]), strict=True)] for stream in values}
    for stream, records in found.items():
        await_that(lambda: is_journaled_past(stack, stream, records[-1][1]), f"journal of {stream} past {records[-1][1]}")  # noqa: B023 - called at once
    return found


@pytest.fixture(scope="module", params=CONTRACTS.streams)
def judged(stack: Stack, sent: dict[str, list[tuple[bytes, Place]]], request: pytest.FixtureRequest) -> list[Judged]:
    stream: str = request.param
    rows = journal(stack, stream, min(place[1] for _, place in sent[stream]))
    validator = Validator(CONTRACTS)
    return [Judged(value, validator.check(stream, value, place[2]), rows.get(place[:2])) for value, place in sent[stream]]


def is_journaled_past(stack: Stack, stream: str, place: Place) -> bool:
    scan = stack.catalog.load_table(f"journal.{stream}").scan(f"partition = {place[0]} AND offset > {place[1]}", ("offset",), limit=1)
    return bool(scan.to_arrow().num_rows)


def journal(stack: Stack, stream: str, first_offset: int) -> dict[tuple[int, int], dict[str, Any]]:
    """Rows of a journal by partition and offset, audited or not: what counts here is what the gate let through."""
    scan = stack.catalog.load_table(f"journal.{stream}").scan(row_filter=f"offset >= {first_offset}")
    return {(row["partition"], row["offset"]): row for row in scan.to_arrow().to_pylist()}


def read_back(field: Field, text: str) -> Any:
    """The value that a field's text form must have in the journal."""
    match field.type:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "money":
            return Decimal(text).quantize(Decimal("1e-9"))
        case "boolean":
            return text == "true"
        case _:
            return text


def landed(field: Field, value: Any) -> Any:
    """A journal's value in the form that `read_back` gives."""
    return str(round(value.timestamp() * 1000)) if field.type == "time" else value


def test_the_generator_reaches_both_sides_of_the_gate(judged: list[Judged]) -> None:
    reasons = {one.violation.reason if one.violation else "valid" for one in judged}
    assert reasons > {"valid", "wrong_type", "out_of_range", "missing", "too_long", "not_allowed", "malformed", "array", "invalid_utf8", "unknown_event_type"}


def test_no_record_that_the_validator_refuses_is_journaled(judged: list[Judged]) -> None:
    # Of an array of several events the decoder may have accepted one.
    assert [one for one in judged if one.row and one.violation and one.violation.reason != ARRAY] == []


def test_every_record_that_the_validator_accepts_is_journaled(judged: list[Judged]) -> None:
    assert [one for one in judged if not one.violation and not one.row] == []


def test_a_journaled_row_is_the_record_field_by_field(judged: list[Judged], request: pytest.FixtureRequest) -> None:
    fields = CONTRACTS.streams[request.node.callspec.params["judged"]].fields.values()
    wrong = []
    for value, violation, row in judged:
        if row and not violation:
            texts = decode(value)
            wanted = {field.name: read_back(field, texts[field.name]) if field.name in texts else None for field in fields}
            found = {field.name: landed(field, row[field.name]) if row[field.name] is not None else None for field in fields}
            wrong += [(name, value, wanted[name], found[name]) for name in wanted if wanted[name] != found[name]]
    assert wrong == []


def test_the_audit_computes_the_same_numbers_from_them(stack: Stack, sent: dict[str, list[tuple[bytes, Place]]]) -> None:
    stack.await_audited(max(place[2] for records in sent.values() for _, place in records))
