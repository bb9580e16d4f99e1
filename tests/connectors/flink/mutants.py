"""Records about the edges of a stream's contract, cheap to make by the million: events with fields exchanged, and bytes changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.stack.generated import generate, valid_event
from tests.stack.oddities import ATTRIBUTES, LIMITS, LINE_TERMINATORS, LITERALS, ODD_BYTES, ODD_NUMBERS, ODD_TEXTS, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from contracts.model import Field, Stream

NOW_MS = 1_772_366_400_000
MIXTURES = 300
STRUCTURE = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"0", b"9", b"-", b"e", b".", b"null", b"true"),
    b"\\u",
    b"\\ud83d",
    b"\xef\xbb\xbf",
    b"\0",
)
STRANGE_KEYS = ("colour", "", "a b", "x" * 70, "runid", "event_id ", "Event_Id", "partition", "offset", "payload_hash", "undeclared_keys", "é", "\n", "k.1-x_")
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1")
Members = dict[str, str]
"""Keys of an event and the JSON text of each value."""


class Mutants:
    """An endless source of records of one stream; the same seed gives the same records."""

    def __init__(self, stream: Stream, random: Random) -> None:
        self._random = random
        self._stream = stream
        self._events = [*_events(stream)]
        self._odd = [*_odd()]
        self._edges = {field.name: [*_edges(field)] for field in stream.fields.values()}
        self._corpus = [*map(_spelled, self._events), *generate(stream, NOW_MS, MIXTURES)]

    @property
    def corpus(self) -> list[bytes]:
        """Records that are not mutated: valid ones, one fault each, and mixtures."""
        return self._corpus

    def __iter__(self) -> Iterator[bytes]:
        shapes: tuple[Callable[[], bytes], ...] = (self._exchanged, self._exchanged, self._changed)
        while True:
            yield self._random.choice(shapes)()

    def _exchanged(self) -> bytes:
        """An event of which one or two fields say something else, are missing, come twice, or are of another event type."""
        pick = self._random.choice
        members = [*pick(self._events).items()]
        for _ in range(pick((1, 1, 1, 2))):
            name = pick(members)[0] if self._random.random() < 0.7 and members else pick([*self._stream.fields, *STRANGE_KEYS])
            text = pick(self._edges.get(name, self._odd)) if self._random.random() < 0.7 else pick(self._odd)
            kept = [member for member in members if member[0] != name or self._random.random() < 0.02]
            kept.insert(self._random.randint(0, len(kept)), (name, text))
            members = kept if self._random.random() < 0.9 else [member for member in members if member[0] != name]
        return _joined(members)

    def _changed(self) -> bytes:
        """A record of the corpus with bytes changed, added, taken away, or mixed with another one."""
        pick, random = self._random.choice, self._random
        record = pick(self._corpus)
        for _ in range(pick((1, 1, 2, 3))):
            at, to = sorted((random.randint(0, len(record)), random.randint(0, len(record))))
            match random.randrange(8):
                case 0:
                    record = record[:at] + bytes([random.randrange(256)]) + record[at + 1 :]
                case 1:
                    record = record[:at] + pick(STRUCTURE) + record[at:]
                case 2:
                    record = record[:at] + record[at + random.randint(1, 4) :]
                case 3:
                    record = record[:at]
                case 4:
                    other = pick(self._corpus)
                    record = record[:at] + other[random.randint(0, len(other)) :]
                case 5:
                    record = record[:at] + record[at : min(to, at + 40)] * 2 + record[to:]
                case 6:
                    record = record[:at] + pick(ODD_BYTES) + record[at:]
                case _:
                    record = pick((record + pick(STRUCTURE), pick(STRUCTURE) + record, record + b"\n" + record, _recoded(record, pick(ENCODINGS))))
        return record


def _recoded(record: bytes, encoding: str) -> bytes:
    return record.decode("utf-8", "replace").encode(encoding, "replace")


def _events(stream: Stream) -> Iterator[Members]:
    for event in stream.event_types.values():
        for number in range(3):
            yield {name: json.dumps(value, ensure_ascii=number == 0) for name, value in valid_event(stream, event, number, NOW_MS).items()}


def _odd() -> Iterator[str]:
    yield from (*ODD_NUMBERS, *LITERALS, *ATTRIBUTES)
    texts = (
        *ODD_NUMBERS,
        *ODD_TEXTS,
        *LINE_TERMINATORS,
        *(f"a{end}b" for end in LINE_TERMINATORS),
        "a@b.example",
        "two words",
        "x?y",
        "0" * 64,
        "f" * 64,
        "F" * 64,
    )
    for text in (*texts, WIDE * 40, "x" * 65, "x" * 129, "x" * 257, "x" * 1025):
        yield json.dumps(text)
        # Half a character can be escaped, and no more than that.
        yield json.dumps(text, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    yield from ("[" * depth + "]" * depth for depth in (98, 99, 100, 101))
    yield from (limit.partition(":")[2] for limit in LIMITS if limit.startswith('"unknown":'))


def _edges(field: Field) -> Iterator[str]:
    for bound in (field.min, field.max):
        if bound is not None:
            yield from (str(bound - 1), str(bound), str(bound + 1), f'"{bound}"', f"{bound}.0", f"{bound}.000000001")
    for value in field.enum:
        yield from (json.dumps(value), json.dumps(value.upper()), json.dumps(f"{value} "))
    if field.is_text and field.type != "object":
        yield from (json.dumps("é" * (field.max_length + more), ensure_ascii=False) for more in (-1, 0, 1))
        yield from (json.dumps(WIDE * (field.max_length + more)) for more in (0, 1))
    for key in field.keys:
        yield from (f'{{"{key}":{value}}}' for value in ('"v"', "1", "null", "true", "{}", "[]", '"\\u000b\\n\\"é"', "1.50"))
    if field.type == "money":
        yield from (
            "0",
            "0.5",
            "1e-9",
            "1e-10",
            "0.0000000010",
            "1000000",
            "1000000.000000001",
            "1E3",
            "-0",
            '"2.5"',
            "0.1234567891",
            "999999.999999999",
            "1e-400",
        )
    yield from ("null", '""', "true", "0", "1", '"a"')


def _spelled(members: Members) -> bytes:
    return _joined([*members.items()])


def _joined(members: list[tuple[str, str]]) -> bytes:
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in members)}}}".encode("utf-8", "replace")
