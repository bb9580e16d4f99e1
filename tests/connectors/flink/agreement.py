"""Decoder and validator side by side: what each says of the same records, and where they differ."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.reasons import STRUCTURAL
from contracts.validator import Validator, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contracts.model import Stream
    from contracts.registry import Registry
    from tests.connectors.flink.harness import Harness

BATCH = 5_000


class Disagreement(NamedTuple):
    """A record, and what each says of it."""

    record: bytes | None
    decoder: Any
    validator: Any

    def __repr__(self) -> str:
        return f"\n{(self.record or b'')[:1500]!r}\n  decoder:   {self.decoder}\n  validator: {self.validator}"


def disagreements(harness: Harness, registry: Registry, stream: Stream, records: Iterable[bytes | None]) -> Iterator[Disagreement]:
    """Records of which the two differ in verdict, landed values, hash, undeclared keys, reason or field.

    Of two reasons of structure neither is wrong. The age of an event, which the decoder cannot know, is not judged.
    """
    validator = Validator(registry)
    names = [*stream.fields]
    source = iter(records)
    while batch := [*islice(source, BATCH)]:
        for record, said in zip(batch, harness.judge(batch), strict=True):
            told = _told(names, validator.decode(stream.name, record, None))
            if said != told and not (isinstance(said, list) and isinstance(told, list) and said[0] in STRUCTURAL and told[0] in STRUCTURAL):
                yield Disagreement(record, said, told)


def _told(names: list[str], found: Any) -> Any:
    if isinstance(found, Violation):
        return [found.reason, found.field]
    values = (found.values.get(name) for name in names)
    landed = [struct.unpack(">q", struct.pack(">d", value))[0] if isinstance(value, float) else value for value in values]
    return {"row": [*landed, found.payload_hash, found.undeclared_keys]}
