"""Records at and beyond every edge of the contracts, generated: valid events with values exchanged, and bytes that are no event.

Left out are nesting of more than 400 levels, which Python's decoder refuses earlier than Flink's, and doubles of 17 digits in text
fields, of which Java before 19 spells some with a digit too many.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from contracts.model import CANARY, EARLIEST_TIME_MS, LATEST_TIME_MS, MAX_AHEAD_MS, MAX_MONEY_USD
from tests.stack.oddities import ATTRIBUTES, LIMITS, LITERALS, ODD_BYTES, ODD_NUMBERS, ODD_TEXTS, WIDE, attribute_edges
from tests.stack.spelling import Spelled, spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.model import EventType, Field, Stream

DAY_MS = 86_400_000
TENANT = "generated"


def generate(stream: Stream, now_ms: int, count: int) -> list[bytes]:
    """Every edge of every field once, every odd value once per type, and `count` mixtures; always the same but for the times about `now_ms`."""
    found: list[bytes] = []

    @seed(20_260_601)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(_records(stream, now_ms))
    def collect(record: bytes) -> None:
        found.append(record)

    collect()
    return [*found, *_one_by_one(stream, now_ms), *_at_limits(stream, now_ms), *_at_bucket_bounds(stream, now_ms), *_at_time_bounds(stream, now_ms)]


def valid_event(stream: Stream, event: EventType, number: int, now_ms: int) -> dict[str, Any]:
    """An event with every field that its type carries."""
    required = [name for name in stream.envelope if stream.fields[name].required]
    values = {name: _usual(stream.fields[name], number, now_ms) for name in (*required, *event.carried)}
    values |= {"event_id": f"{TENANT}-{number}", "event_type": event.name, "tenant_id": TENANT}
    for rule in stream.rules:
        values |= {rule.at_most: max(values[rule.at_most], sum(values.get(name, 0) for name in rule.parts))} if rule.at_most in values else {}
    only = {name: allowed[0] if stream.fields[name].is_text else allowed[0] == "true" for name, allowed in event.only.items()}
    return values | only


def _usual(field: Field, number: int, now_ms: int) -> Any:
    match field.type:
        case "integer":
            return min(max(field.min or 0, number % 1000), field.max or 1000)
        case "number":
            return 0.25
        case "money":
            return 0.5
        case "time":
            return now_ms - number % 60_000
        case "boolean":
            return True
        case "hash":
            return f"{number:064x}"
        case _:
            return field.enum[number % len(field.enum)] if field.enum else f"{field.name}-{number % 7}"[: field.max_length]


def _records(stream: Stream, now_ms: int) -> st.SearchStrategy[bytes]:
    mutated = _mutated(stream, now_ms)
    return st.one_of(mutated, mutated, mutated, mutated.flatmap(_maimed), st.binary(max_size=60), st.sampled_from(LITERALS).map(str.encode))


@st.composite
def _mutated(draw: st.DrawFn, stream: Stream, now_ms: int) -> bytes:
    """A valid event with one to three fields spelled otherwise, missing, repeated or unknown."""
    number = draw(st.integers(0, 10**9))
    event = valid_event(stream, draw(st.sampled_from([*stream.event_types.values()])), number, now_ms)
    # Numbers of the same event would be repeats of each other.
    members: list[tuple[str, Any]] = [*event.items()]
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        name = draw(st.sampled_from([name for name in stream.fields if name != "event_id"] if draw(st.integers(0, 3)) else [*event]))
        action = draw(st.sampled_from(["spell"] * 8 + ["drop", "repeat", "unknown", "null"]))
        if action in {"spell", "drop", "null"} and name != "event_id":
            members = [member for member in members if member[0] != name]
        if action == "unknown":
            name = draw(st.sampled_from(["runid", "RUN_ID", "", "partition", "offset", "appended_at", "run_id ", "x" * 300]))
        if action in {"spell", "repeat", "unknown"}:
            place = draw(st.integers(0, len(members)))
            members.insert(place, (name, Spelled(draw(_spelling(stream, stream.fields.get(name), now_ms)))))
        elif action == "null":
            members.append((name, None))
    return spell(members, blanks=draw(st.booleans()))


def _spelling(stream: Stream, field: Field | None, now_ms: int) -> st.SearchStrategy[str]:
    """JSON text of a value: at the edges of the field first, then anything."""
    odd = (*ODD_NUMBERS, *map(json.dumps, (*ODD_NUMBERS, *ODD_TEXTS)), *(json.dumps(text, ensure_ascii=False) for text in ODD_TEXTS))
    anything = st.one_of(
        st.sampled_from(odd),
        st.sampled_from([*LITERALS, *ATTRIBUTES]),
        st.text(max_size=12).map(json.dumps),
        st.integers(-(2**70), 2**70).map(str),
        st.decimals(-(10**7), 10**7, places=4).map(str),
        st.decimals(-2, 2_000_000, places=9).map(str),
        st.decimals(0, 2, places=10).map(str),
        st.integers(0, 10**15).map(lambda nanos: f"{nanos / 10**9!r}"),
    )
    return st.one_of(st.sampled_from([*_edges(stream, field, now_ms)]), anything) if field else anything


def _edges(stream: Stream, field: Field, now_ms: int) -> Iterator[str]:
    match field.type:
        case "integer" | "number":
            low, high = field.min or 0, field.max or 1000
            yield from map(str, (low - 1, low, low + 1, high - 1, high, high + 1))
            yield from (f'"{low}"', f"{low}.0", f"{high}.5", f'" {low}"', f"0{low + 1}", f"{low}e0")
        case "money":
            yield from (
                "0",
                "-0",
                "0.0",
                "1e-9",
                "1e-10",
                "0.000000001",
                "0.0000000001",
                str(MAX_MONEY_USD),
                f"{MAX_MONEY_USD}.000000001",
                f"{MAX_MONEY_USD + 1}",
                "-1",
                '"2.5"',
                "1e3",
            )
        case "time":
            bounds = (EARLIEST_TIME_MS, LATEST_TIME_MS, now_ms - stream.max_age_ms, now_ms + MAX_AHEAD_MS)
            yield from (str(bound + step) for bound in bounds for step in (-60_000, -1, 0, 1, 60_000))
            yield from (str(now_ms), f'"{now_ms}"', str(now_ms // 1000), f"{now_ms}.0", f"{now_ms}.5", "0", "-1", '"2026-06-01T00:00:00Z"')
        case "boolean":
            yield from ("true", "false", '"true"', '"false"', '"TRUE"', "0", "1", '"1"', '""', '" true"')
        case "object":
            yield from (*ATTRIBUTES, *attribute_edges())
        case _:
            yield from (json.dumps(text, ensure_ascii=False) for text in field.enum)
            yield from (json.dumps(text.upper()) for text in field.enum[:1])
            for length in (field.max_length - 1, field.max_length, field.max_length + 1):
                yield json.dumps("x" * length)
                yield json.dumps("é" * length, ensure_ascii=False)
                yield json.dumps(WIDE * length, ensure_ascii=False)
                yield json.dumps(WIDE * (length // 2) + "x" * (length % 2), ensure_ascii=False)
                yield json.dumps(WIDE * (length // 2))


def _maimed(record: bytes) -> st.SearchStrategy[bytes]:
    """The record cut, followed by something, in another encoding, wrapped, or with a byte changed."""
    places = st.integers(0, max(0, len(record) - 1))
    return st.one_of(
        places.map(lambda place: record[:place]),
        st.sampled_from([b" ", b"x", b"{}", b",", b"\n" + record, b"]", b"\0", b"\xff", b' {"a":']).map(lambda tail: record + tail),
        st.sampled_from([b"\xef\xbb\xbf", b" ", b"\n\t\r ", b"\0", b"\xc2\xa0", b"[", b"\x0b", b"/**/", b"#\n"]).map(lambda head: head + record),
        st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"]).map(
            lambda encoding: record.decode("utf-8", "replace").encode(encoding, "replace")
        ),
        st.sampled_from([b"[%b]", b"[%b,%b]", b"[[%b]]", b'{"a":%b}', b"[null,%b]", b"[%b,]", b"[ %b ]", b"[%b, null]", b"[%b] x"]).map(
            lambda shape: shape.replace(b"%b", record)
        ),
        st.tuples(places, st.integers(0, 255)).map(lambda change: record[: change[0]] + bytes([change[1]]) + record[change[0] + 1 :]),
    )


def _one_by_one(stream: Stream, now_ms: int) -> Iterator[bytes]:
    """Valid events with one value exchanged."""
    odd = [*ODD_NUMBERS, *map(json.dumps, (*ODD_NUMBERS, *ODD_TEXTS)), *(json.dumps(text, ensure_ascii=False) for text in ODD_TEXTS)]
    tried: set[str] = set()
    for field in stream.fields.values():
        event = next((event for event in stream.event_types.values() if field.name in event.carried), stream.event_types[CANARY])
        others = [] if field.type in tried else [*odd, *LITERALS, *ATTRIBUTES]
        tried.add(field.type)
        for number, text in enumerate([*_edges(stream, field, now_ms), *others]):
            members = valid_event(stream, event, number, now_ms) | {"event_id": f"{TENANT}-{field.name}-{number}", field.name: Spelled(text)}
            yield spell(members.items(), blanks=False)


def _at_limits(stream: Stream, now_ms: int) -> Iterator[bytes]:
    """Valid events with odd bytes in a text, with members that decoders refuse for their size or spelling, and in arrays."""
    event = next(iter(stream.event_types.values()))
    for shape in (b"[%b,%b]", b"[%b,null,%b]", b"[%b]"):
        yield shape.replace(b"%b", spell(valid_event(stream, event, 0, now_ms).items(), blanks=False))
    for number, odd in enumerate([*ODD_BYTES, *map(str.encode, LIMITS)]):
        values = valid_event(stream, event, number, now_ms) | {"event_id": f"{TENANT}-limit-{number}", "source": "HERE"}
        record = spell(values.items(), blanks=False)
        yield record.replace(b"HERE", b"x" + odd + b"y") if number < len(ODD_BYTES) else record[:-1] + b"," + odd + b"}"


def _at_bucket_bounds(stream: Stream, now_ms: int) -> Iterator[bytes]:
    """Calls that took about a power of 1.02, where two engines could put them into different buckets."""
    event = stream.event_types.get("model.completed")
    exact = (347_880_835_541, 768_134_683_086, 955_078_930_336)
    for number in sorted({*exact, *(102**power // 100**power + step for power in range(0, 1395, 9) for step in (0, 1))} if event else ()):
        values = valid_event(stream, stream.event_types["model.completed"], number, now_ms) | {"duration_ms": number}
        yield spell(values.items(), blanks=False)


def _at_time_bounds(stream: Stream, now_ms: int) -> Iterator[bytes]:
    """Events at every millisecond about the bounds, one of which will be the very bound when the broker stamps them."""
    event = next(iter(stream.event_types.values()))
    for bound in (now_ms - stream.max_age_ms, now_ms + MAX_AHEAD_MS):
        for step in range(400):
            values = valid_event(stream, event, step, now_ms) | {"event_id": f"{TENANT}-bound-{bound + step}", "event_time": bound + step}
            yield spell(values.items(), blanks=False)
