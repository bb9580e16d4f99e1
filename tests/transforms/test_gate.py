"""The gate in Flink SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.identifiers import quote
from tests import statements
from transforms import gate

if TYPE_CHECKING:
    from contracts.model import Stream

STREAMS = statements.CONTRACTS.streams.values()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_field_arrives_as_text(stream: Stream) -> None:
    ddl = gate.source_ddl(stream, {})
    assert [name for name in stream.fields if f"  {quote(name, '`')} STRING" not in ddl] == []


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_event_type_is_judged(stream: Stream) -> None:
    assert [name for name in stream.event_types if f"WHEN '{name}' THEN" not in gate.predicate(stream)[-1]] == []


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_an_unknown_event_type_passes_nothing(stream: Stream) -> None:
    assert gate.predicate(stream)[-1].split()[-3:] == ["ELSE", "FALSE", "END"]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_field_has_a_condition(stream: Stream) -> None:
    conditions = "\n".join(gate.predicate(stream)[:-1])
    assert [name for name in stream.fields if quote(name, "`") not in conditions] == []


def test_a_quote_in_an_allowed_value_stays_part_of_it() -> None:
    stream = next(iter(STREAMS))
    field = stream.fields["environment"].model_copy(update={"enum": ("it's",)})
    told = stream.model_copy(update={"fields": stream.fields | {"environment": field}})
    assert any("environment IN ('it''s')" in condition for condition in gate.predicate(told))
