"""Every spelling of a value of every type of field: what it lands as, or the reason that refuses it."""

from __future__ import annotations

import json
import math

import pytest

from contracts.model import EARLIEST_TIME_MS, LATEST_TIME_MS
from contracts.registry import Registry
from contracts.rules import BLANKS
from contracts.validator import Validator
from tests.contracts.events import decoded, judge, with_text

HASH = "0123456789abcdef" * 4


@pytest.fixture
def validator(small: Registry) -> Validator:
    """Judges by the small registry."""
    return Validator(small)


INTEGERS = {
    "1": 1,
    "9": 9,
    '"3"': 3,
    '"\\u0033"': 3,
    "0": "out_of_range",
    "10": "out_of_range",
    "-1": "out_of_range",
    "9223372036854775807": "out_of_range",
    "-9223372036854775808": "out_of_range",
    "9223372036854775808": "beyond_64_bits",
    "-9223372036854775809": "beyond_64_bits",
    "7" * 64: "beyond_64_bits",
    "7" * 65: "wrong_type",
    "7" * 5000: "wrong_type",
    "1.9": "wrong_type",
    "1.0": "wrong_type",
    "1e3": "wrong_type",
    "-0": "wrong_type",
    '"007"': "wrong_type",
    '"+5"': "wrong_type",
    '" 5"': "wrong_type",
    '"5\\n"': "wrong_type",
    '"5\\u2028"': "wrong_type",
    '"\\u0665"': "wrong_type",
    '"5_0"': "wrong_type",
    '""': "wrong_type",
    '"few"': "wrong_type",
    "true": "wrong_type",
    "[5]": "wrong_type",
    "[]": "wrong_type",
    '{"tries": 5}': "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), INTEGERS.items(), ids=lambda value: str(value)[:80])
def test_an_integer_is_its_canonical_spelling_within_its_range(validator: Validator, spelling: str, expected: int | str) -> None:
    must_be(validator, "tries", spelling, expected)


TIMES = {
    str(EARLIEST_TIME_MS): EARLIEST_TIME_MS,
    str(EARLIEST_TIME_MS - 1): "out_of_range",
    str(LATEST_TIME_MS): LATEST_TIME_MS,
    str(LATEST_TIME_MS + 1): "out_of_range",
    '"1772366400000"': 1_772_366_400_000,
    "1772366400": "out_of_range",
    "1772366400000000": "out_of_range",
    '"2026-03-01"': "wrong_type",
    "1772366400000.5": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), TIMES.items())
def test_a_time_is_milliseconds_of_this_century(validator: Validator, spelling: str, expected: int | str) -> None:
    must_be(validator, "ended_at", spelling, expected)


NUMBERS = {
    "0": 0.0,
    "1": 1.0,
    "0.25": 0.25,
    "1e-3": 0.001,
    "1E0": 1.0,
    "1e+00": 1.0,
    "0.1000000000000000055511151231257827": 0.1,
    "1e-400": 0.0,
    '"0.5"': 0.5,
    "0." + "0" * 62: 0.0,
    "0." + "0" * 63: "wrong_type",
    "1.0000001": "out_of_range",
    "1.00000000000000000001": 1.0,
    "-0.1": "out_of_range",
    "1e308": "out_of_range",
    "1e400": "beyond_64_bits",
    "-1e400": "beyond_64_bits",
    "1e-999": 0.0,
    "1e-0999": "wrong_type",
    "1e0000": "wrong_type",
    "1e1000": "wrong_type",
    '"NaN"': "wrong_type",
    '"Infinity"': "wrong_type",
    '"0x1p0"': "wrong_type",
    '"0.5f"': "wrong_type",
    '"1_0"': "wrong_type",
    '"--0.5"': "wrong_type",
    '"+0.5"': "wrong_type",
    '" 0.5"': "wrong_type",
    '"0.5\\n"': "wrong_type",
    '"0."': "wrong_type",
    '".5"': "wrong_type",
    '"00.5"': "wrong_type",
    '"\\u0660.\\u0665"': "wrong_type",
    '""': "wrong_type",
    "true": "wrong_type",
    "[]": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), NUMBERS.items())
def test_a_number_is_the_nearest_double_within_its_range(validator: Validator, spelling: str, expected: float | str) -> None:
    must_be(validator, "share", spelling, expected)


@pytest.mark.parametrize("spelling", ["-0", "-0.0", '"-0e9"', "-1e-400"])
def test_a_zero_has_no_sign(validator: Validator, spelling: str) -> None:
    share = decoded(validator, with_text("share", spelling)).values["share"]
    assert math.copysign(1, float(share)) == 1


MONEY = {
    "0": 0,
    "0e-999": 0,
    "0.000000001": 1,
    "1e-9": 1,
    "1.5e-05": 15_000,
    "0.30": 300_000_000,
    "0.1234567890000": 123_456_789,
    "999999.999999999": 999_999_999_999_999,
    "1000000": 10**15,
    "1000000.000": 10**15,
    "1e6": 10**15,
    "0.001e9": 10**15,
    '"12.5"': 12_500_000_000,
    "0.0000000001": "too_precise",
    "1.2345678901": "too_precise",
    "0.30000000000000004": "too_precise",
    "1e-999": "too_precise",
    "1000000.000000001": "out_of_range",
    "1000000.0000000000000000000000001": "out_of_range",
    "1e7": "out_of_range",
    "1e999": "out_of_range",
    "-0.01": "out_of_range",
    "-0": "out_of_range",
    "-0.00000000001": "out_of_range",
    "0." + "0" * 63: "wrong_type",
    '"1 USD"': "wrong_type",
    '"1,5"': "wrong_type",
    '"1\\n"': "wrong_type",
    '"--1"': "wrong_type",
    "1e9999": "wrong_type",
    '"NaN"': "wrong_type",
    "true": "wrong_type",
    '{"amount": 1}': "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), MONEY.items())
def test_money_is_an_exact_number_of_billionths_up_to_a_limit(validator: Validator, spelling: str, expected: int | str) -> None:
    must_be(validator, "cost_usd", spelling, expected)


BOOLEANS = {
    "true": True,
    "false": False,
    '"true"': True,
    '"f\\u0061lse"': False,
    "1": "wrong_type",
    '"yes"': "wrong_type",
    '"True"': "wrong_type",
    '"true "': "wrong_type",
    '""': "wrong_type",
    "[true]": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), BOOLEANS.items())
def test_a_boolean_is_true_or_false(validator: Validator, spelling: str, expected: bool | str) -> None:  # noqa: FBT001 - a value, no switch
    must_be(validator, "is_cheap", spelling, expected)


TEXTS = {
    '"12345678"': "12345678",
    '"123456789"': "too_long",
    '"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"': "\u00fc" * 8,
    '"\\ud83d\\ude00234567\\ud83d\\ude00"': "\U0001f600234567\U0001f600",
    '"a\\u0000b"': "a\0b",
    '"e\\u0301"': "e\u0301",
    "17": "17",
    "1.50": "1.50",
    "-0.0e1": "-0.0e1",
    "1E400": "1E400",
    "123456789": "too_long",
    "true": "true",
    '"{j-1}"': "{j-1}",
    '"[1]"': "[1]",
    '{"id": 1}': "wrong_type",
    '["j-1"]': "wrong_type",
    "{}": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "expected"), TEXTS.items(), ids=map(ascii, TEXTS))
def test_a_text_is_a_scalar_of_limited_length(validator: Validator, spelling: str, expected: str) -> None:
    must_be(validator, "job_id", spelling, expected)


ENUMERATED = {'"ok"': "ok", '"OK"': "not_allowed", '"ok "': "not_allowed", '""': "not_allowed", "1": "not_allowed", "true": "not_allowed", "[]": "wrong_type"}


@pytest.mark.parametrize(("spelling", "expected"), ENUMERATED.items())
def test_a_value_outside_an_enumeration_is_not_allowed(validator: Validator, spelling: str, expected: str) -> None:
    must_be(validator, "state", spelling, expected)


NARROWER = {
    "why": {
        '"out-of-memory"': "out-of-memory",
        '"Äh:\U0001f600"': "Äh:\U0001f600",
        '""': "",
        "17": "17",
        '"out of memory"': "not_a_code",
        f'"{"x" * 64}"': "x" * 64,
        f'"{"x" * 65}"': "not_a_code",
        "[]": "wrong_type",
    },
    "user_id": {
        '"u_5d1c0a77"': "u_5d1c0a77",
        '"ada@example.org"': "not_pseudonymous",
        '"Ada L"': "not_pseudonymous",
        f'"{"x" * 129}"': "not_pseudonymous",
        "{}": "wrong_type",
    },
    "log_hash": {
        f'"{HASH}"': HASH,
        '"\\u0030' + HASH[1:] + '"': HASH,
        "1" * 64: "1" * 64,
        f'"{HASH.upper()}"': "not_a_hash",
        f'"{HASH[1:]}"': "not_a_hash",
        f'"{HASH}0"': "not_a_hash",
        f'"{HASH[1:]}\\n"': "not_a_hash",
        f'"{HASH[1:]}\uff10"': "not_a_hash",
        '""': "not_a_hash",
        "true": "not_a_hash",
        "[]": "wrong_type",
    },
    "log_ref": {
        '"s3://logs/j 1"': "s3://logs/j 1",
        '"s3://logs/1?signature=1"': "not_a_reference",
        f'"{"x" * 40}"': "x" * 40,
        f'"{"x" * 41}"': "not_a_reference",
        "[]": "wrong_type",
    },
}


@pytest.mark.parametrize(("name", "spelling"), [(name, spelling) for name, cases in NARROWER.items() for spelling in cases], ids=ascii)
def test_a_narrower_text_has_one_reason_of_its_own(validator: Validator, name: str, spelling: str) -> None:
    must_be(validator, name, spelling, NARROWER[name][spelling])


@pytest.mark.parametrize("name", ["why", "user_id"])
def test_every_blank_is_found_wherever_it_stands(validator: Validator, name: str) -> None:
    found = {judge(validator, with_text(name, json.dumps(text))) for blank in BLANKS for text in (blank, f"{blank}a", f"a{blank}", f"a{blank}b")}
    assert found == {({"why": "not_a_code", "user_id": "not_pseudonymous"}[name], name)}


def must_be(validator: Validator, name: str, spelling: str, expected: object) -> None:
    """The value lands as `expected`, or is refused for it where it is a reason code."""
    value = with_text(name, spelling)
    violation = judge(validator, value)
    if violation:
        assert violation == (expected, name)
    else:
        landed = decoded(validator, value).values[name]
        assert (landed, type(landed)) == (expected, type(expected))
