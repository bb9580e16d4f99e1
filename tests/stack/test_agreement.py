"""Decoder and validator hold the same records for valid, and decode them alike: on generated records, through the real job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from connectors.instants import now_ms
from contracts import registry
from contracts.model import DECODED
from contracts.validator import Decoded, Validator, Violation
from tests.stack.generated import generate
from tests.stack.local_stack import await_that

if TYPE_CHECKING:
    from collections.abc import Collection

    from contracts.model import Field
    from tests.stack.local_stack import Place, Stack

pytestmark = pytest.mark.stack
MIXTURES = 900
CONTRACTS = registry.load()


class Judged(NamedTuple):
    """One record, what the validator says of it, and its row in the journal if it has one."""

    value: bytes
    found: Decoded | Violation
    row: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"\n{self.value[:900]!r}\n  validator: {self.found}; journaled: {self.row is not None}"


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
    return [Judged(value, validator.decode(stream, value, place[2]), rows.get(place[:2])) for value, place in sent[stream]]


def is_journaled_past(stack: Stack, stream: str, place: Place) -> bool:
    scan = stack.catalog.load_table(f"journal.{stream}").scan(f"partition = {place[0]} AND offset > {place[1]}", ("offset",), limit=1)
    return bool(scan.to_arrow().num_rows)


def journal(stack: Stack, stream: str, first_offset: int) -> dict[tuple[int, int], dict[str, Any]]:
    """Rows of a journal by partition and offset, audited or not: what counts here is what the decoder accepted."""
    scan = stack.catalog.load_table(f"journal.{stream}").scan(row_filter=f"offset >= {first_offset}")
    return {(row["partition"], row["offset"]): row for row in scan.to_arrow().to_pylist()}


def decoded(fields: Collection[Field], row: dict[str, Any]) -> dict[str, Any]:
    """Values of a journal's row by field, as the validator has them: times in epoch ms, money in billionths of a dollar."""
    found = {field.name: row[field.name] for field in fields if row[field.name] is not None}
    times = {field.name: round(found[field.name].timestamp() * 1000) for field in fields if field.type == "time" and field.name in found}
    money = {field.name: int(found[field.name] * 10**9) for field in fields if field.type == "money" and field.name in found}
    return found | times | money


def test_the_generator_reaches_both_sides_of_the_decoder(judged: list[Judged]) -> None:
    reasons = {one.found.reason if isinstance(one.found, Violation) else "valid" for one in judged}
    assert reasons > {"valid", "wrong_type", "out_of_range", "missing", "too_long", "not_allowed", "array", "invalid_utf8", "unknown_event_type"}
    assert reasons > {"malformed", "several_objects", "trailing_content", "repeated_key", "half_surrogate", "not_a_number", "beyond_64_bits"}


def test_no_record_that_the_validator_refuses_is_journaled(judged: list[Judged]) -> None:
    assert [one for one in judged if one.row and isinstance(one.found, Violation)] == []


def test_every_record_that_the_validator_accepts_is_journaled(judged: list[Judged]) -> None:
    assert [one for one in judged if isinstance(one.found, Decoded) and not one.row] == []


def test_a_journaled_row_is_the_record_field_by_field(judged: list[Judged], request: pytest.FixtureRequest) -> None:
    fields = CONTRACTS.streams[request.node.callspec.params["judged"]].fields.values()
    both = [(one, decoded(fields, one.row), one.found.values) for one in judged if one.row and isinstance(one.found, Decoded)]
    assert [
        (one.value, name, row.get(name), value.get(name)) for one, row, value in both for name in row.keys() | value if row.get(name) != value.get(name)
    ] == []


@pytest.mark.parametrize("column", DECODED)
def test_what_the_decoder_adds_to_a_row_is_what_the_validator_says(judged: list[Judged], column: str) -> None:
    both = [(one.value, one.row[column], getattr(one.found, column)) for one in judged if one.row and isinstance(one.found, Decoded)]
    assert [found for found in both if found[1] != found[2]] == []


def test_the_audit_computes_the_same_numbers_from_them(stack: Stack, sent: dict[str, list[tuple[bytes, Place]]]) -> None:
    stack.await_audited(max(place[2] for records in sent.values() for _, place in records))
