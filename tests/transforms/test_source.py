"""The source of a stream in Flink SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.identifiers import quote
from contracts.model import DECODED
from tests import statements
from transforms import source

if TYPE_CHECKING:
    from contracts.model import Stream

STREAMS = statements.CONTRACTS.streams.values()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_field_has_a_column_and_so_has_what_the_decoder_adds(stream: Stream) -> None:
    ddl = source.source_ddl(stream, {})
    assert [name for name in (*stream.fields, *DECODED) if f"  {quote(name, '`')} " not in ddl] == []


@pytest.mark.parametrize(
    ("name", "declared"),
    {"event_id": "STRING", "attributes": "STRING", "event_time": "BIGINT", "progress": "DOUBLE", "is_canary": "BOOLEAN", "cost_usd": "BIGINT"}.items(),
)
def test_a_value_is_declared_as_the_decoder_gives_it(name: str, declared: str) -> None:
    assert any(f"  {name} {declared},\n" in source.source_ddl(stream, {}) for stream in STREAMS if name in stream.fields)


def test_a_quote_in_an_option_stays_part_of_it() -> None:
    assert "'rules' = '{\"enum\":\"it''s\"}'" in source.source_ddl(next(iter(STREAMS)), {"rules": '{"enum":"it\'s"}'})
