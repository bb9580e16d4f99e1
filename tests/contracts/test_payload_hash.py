"""The hash of a payload, held against a few lines that know nothing of the code: what it covers, and what it does not."""

from __future__ import annotations

import json
import struct

import pytest

from contracts.payload_hash import payload_hash, seed_of
from contracts.registry import Registry
from contracts.validator import Validator
from tests.contracts.events import EVENT, decoded, with_fields, with_text


@pytest.fixture
def validator(small: Registry) -> Validator:
    """Judges by the small registry."""
    return Validator(small)


def reference(contents: dict[str, bytes]) -> int:
    """The sum of murmur3's finaliser over FNV-1a of `name NUL content`, in two's complement."""
    total = 0
    for name, content in contents.items():
        h = 14695981039346656037
        for byte in name.encode() + b"\0" + content:
            h = (h ^ byte) * 1099511628211 % 2**64
        h = (h ^ h >> 33) * 18397679294719823053 % 2**64
        h = (h ^ h >> 33) * 14181476777654086739 % 2**64
        total += h ^ h >> 33
    return int(struct.unpack(">q", struct.pack(">Q", total % 2**64))[0])


USUAL = {name: struct.pack(">q", value) if isinstance(value, int) else str(value).encode() for name, value in EVENT.items()}
RECORDS: dict[str, tuple[bytes, dict[str, bytes], int]] = {
    "texts and whole numbers": (with_fields(), {}, -922594805562878070),
    "every type": (
        with_fields(
            tries="7",
            share=-0.0,
            ended_at=1_772_366_400_000,
            cost_usd="0.5",
            is_cheap=True,
            is_canary=False,
            attributes={"host": "\u00fc"},
            why="",
            user_id="\U0001f600",
        ),
        {
            "tries": b"\0\0\0\0\0\0\0\7",
            "share": b"\0" * 8,
            "ended_at": bytes.fromhex("0000019ca9450a00"),
            "cost_usd": bytes.fromhex("000000001dcd6500"),
            "is_cheap": b"\1",
            "is_canary": b"\0",
            "attributes": '{"host":"\u00fc"}'.encode(),
            "why": b"",
            "user_id": b"\xf0\x9f\x98\x80",
        },
        -8226298922324261811,
    ),
    "a fraction": (with_fields(share=0.1), {"share": bytes.fromhex("3fb999999999999a")}, 2116056982654416117),
}


@pytest.mark.parametrize("case", RECORDS.values(), ids=RECORDS)
def test_the_hash_of_a_record_is_known(validator: Validator, case: tuple[bytes, dict[str, bytes], int]) -> None:
    value, contents, known = case
    assert decoded(validator, value).payload_hash == reference(USUAL | contents) == known


def test_the_hash_of_nothing_is_zero() -> None:
    assert payload_hash({}, {}) == 0


def test_the_hash_of_one_value_is_that_of_its_name_and_bytes() -> None:
    assert payload_hash({"tries": -1}, {"tries": seed_of("tries")}) == reference({"tries": b"\xff" * 8})


SAME = {
    "another order of keys": json.dumps(dict(reversed(EVENT.items()))).encode(),
    "blanks": b" " + json.dumps(EVENT, indent=1).encode() + b"\n",
    "a number as text": with_fields(schema_version="1"),
    "escapes": with_text("job_id", '"\\u006a-1"'),
    "a field that is null": with_fields(tries=None),
    "a key that nobody knows": with_fields(colour="red"),
    "a field that its event type does not carry": with_fields(node="n-1"),
}
OTHER = {
    "another value": with_fields(job_id="j-2"),
    "a value more": with_fields(is_cheap=False),
    "an empty text more": with_fields(why=""),
    "values exchanged": with_fields(source="acme", tenant_id="cron"),
    "empty attributes": with_fields(attributes={}),
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_a_repeat_that_is_only_spelled_otherwise_has_the_same_hash(validator: Validator, value: bytes) -> None:
    assert decoded(validator, value).payload_hash == decoded(validator, with_fields()).payload_hash


@pytest.mark.parametrize("value", OTHER.values(), ids=OTHER)
def test_another_payload_has_another_hash(validator: Validator, value: bytes) -> None:
    assert decoded(validator, value).payload_hash != decoded(validator, with_fields()).payload_hash


def test_a_zero_with_a_sign_is_the_zero_without(validator: Validator) -> None:
    assert decoded(validator, with_text("share", "-0.0")).payload_hash == decoded(validator, with_text("share", "0")).payload_hash
