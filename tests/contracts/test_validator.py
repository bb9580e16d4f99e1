"""Every reason for which a delivery is refused, and every spelling that is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from contracts.model import DAY_MS, EARLIEST_TIME_MS, MAX_AHEAD_MS
from contracts.validator import Validator, Violation

if TYPE_CHECKING:
    from contracts.registry import Registry

APPENDED_MS = 1_772_366_400_000
MAX_AGE_MS = 30 * DAY_MS
EVENT = {
    "event_id": "e-1",
    "event_type": "job.done",
    "schema_version": 1,
    "event_time": APPENDED_MS - 5,
    "source": "cron",
    "tenant_id": "acme",
    "region": "local",
    "environment": "prod",
    "job_id": "j-1",
    "state": "ok",
}


@pytest.fixture
def validator(small: Registry) -> Validator:
    """Judges by the small registry."""
    return Validator(small)


def judge(validator: Validator, value: bytes | None) -> tuple[str, str | None] | None:
    """Reason and field of the violation of a value on the stream `jobs`."""
    violation = validator.check("jobs", value, APPENDED_MS)
    return (violation.reason, violation.field) if violation else None


def with_fields(**fields: Any) -> bytes:
    """The usual event with other or further fields."""
    return json.dumps(EVENT | fields).encode()


def with_text(name: str, spelling: str) -> bytes:
    """The usual event with one field spelled exactly so."""
    rest = json.dumps({key: value for key, value in EVENT.items() if key != name})
    return f'{rest[:-1]}, "{name}": {spelling}}}'.encode("utf-8", "surrogatepass")


def test_a_usual_event_is_accepted(validator: Validator) -> None:
    assert judge(validator, with_fields()) is None


def test_a_violation_says_what_was_found(validator: Validator) -> None:
    found = validator.check("jobs", with_fields(tries="few"), APPENDED_MS)
    assert found == Violation("wrong_type", "tries", "few")


def test_a_null_value_is_refused(validator: Validator) -> None:
    assert judge(validator, None) == ("null_value", None)


@pytest.mark.parametrize("value", [b'{"event_id": "\xff"}', b"\x80", b'{"a": "\xc3'])
def test_bytes_that_are_no_text_are_refused(validator: Validator, value: bytes) -> None:
    assert judge(validator, value) == ("invalid_utf8", None)


MALFORMED = {
    "nothing": b"",
    "blanks": b" \n",
    "words": b"hello",
    "an empty list": b"[]",
    "a list of a number": b"[17]",
    "a number": b"17",
    "a text": b'"{}"',
    "cut off": with_fields()[:-1],
    "single quotes": b"{'event_id': 'e-1'}",
    "a comma too many": with_fields()[:-1] + b",}",
    "NaN": with_text("share", "NaN"),
    "Infinity": with_text("share", "-Infinity"),
    "leading zeros": with_text("tries", "007"),
    "a leading plus": with_text("tries", "+5"),
    "a bare point": with_text("share", ".5"),
    "endless nesting": b'{"a":' * 100_000,
}


def test_an_array_of_one_object_is_read_as_the_object(validator: Validator) -> None:
    assert judge(validator, b"[" + with_fields() + b"]") is None


def test_an_array_of_several_values_is_no_delivery(validator: Validator) -> None:
    assert judge(validator, b"[" + with_fields() + b"," + with_fields() + b"]") == ("array", None)


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_what_does_not_begin_with_an_object_is_malformed(validator: Validator, value: bytes) -> None:
    assert judge(validator, value) == ("malformed", None)


@pytest.mark.parametrize("name", EVENT)
def test_a_required_field_that_is_absent_is_missing(validator: Validator, name: str) -> None:
    rest = {key: value for key, value in EVENT.items() if key != name}
    assert judge(validator, json.dumps(rest).encode()) == ("missing", name)


@pytest.mark.parametrize("name", EVENT)
def test_a_required_field_that_is_null_is_missing(validator: Validator, name: str) -> None:
    assert judge(validator, with_fields(**{name: None})) == ("missing", name)


@pytest.mark.parametrize("name", ["event_id", "event_type", "source", "tenant_id", "region", "job_id"])
def test_a_required_text_that_is_empty_is_missing(validator: Validator, name: str) -> None:
    assert judge(validator, with_fields(**{name: ""})) == ("missing", name)


@pytest.mark.parametrize("name", ["job.begun", "JOB.DONE", "job.done ", "null", 5, {"a": 1}])
def test_another_event_type_is_unknown(validator: Validator, name: object) -> None:
    assert judge(validator, with_fields(event_type=name)) == ("unknown_event_type", "event_type")


INTEGERS = {
    "1": None,
    "9": None,
    '"3"': None,
    "0": "out_of_range",
    "10": "out_of_range",
    "-1": "out_of_range",
    "9223372036854775807": "out_of_range",
    "9223372036854775808": "wrong_type",
    "12345678901234567890": "wrong_type",
    "-9223372036854775809": "wrong_type",
    "1.9": "wrong_type",
    "1.0": "wrong_type",
    "1e3": "wrong_type",
    "-0": "out_of_range",
    '"007"': "wrong_type",
    '"+5"': "wrong_type",
    '" 5"': "wrong_type",
    '"5\\n"': "wrong_type",
    '"\\u0665"': "wrong_type",
    '""': "wrong_type",
    '"few"': "wrong_type",
    "true": "wrong_type",
    "[5]": "wrong_type",
    '{"tries": 5}': "wrong_type",
}


@pytest.mark.parametrize(("spelling", "reason"), INTEGERS.items(), ids=INTEGERS)
def test_an_integer_is_its_canonical_spelling_within_its_range(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("tries", spelling)) == (reason and (reason, "tries"))


NUMBERS = {
    "0": None,
    "0.25": None,
    "1e-3": None,
    "1E0": None,
    "-0": None,
    '"0.5"': None,
    "1.0000001": "out_of_range",
    "-0.1": "out_of_range",
    "1e400": "wrong_type",
    '"NaN"': "wrong_type",
    '"Infinity"': "wrong_type",
    '"0x1p0"': "wrong_type",
    '"0.5f"': "wrong_type",
    '"--0.5"': "wrong_type",
    '" 0.5"': "wrong_type",
    '"0."': "wrong_type",
    '".5"': "wrong_type",
    '""': "wrong_type",
    "[]": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "reason"), NUMBERS.items(), ids=NUMBERS)
def test_a_number_is_finite_and_within_its_range(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("share", spelling)) == (reason and (reason, "share"))


MONEY = {
    "0": None,
    "0.000000001": None,
    "1e-9": None,
    "1.5e-05": None,
    "999999.999999999": None,
    "1000000": None,
    "1e6": None,
    '"12.5"': None,
    "0.30": None,
    "0.0000000001": "too_precise",
    "1.2345678901": "too_precise",
    "0.30000000000000004": "too_precise",
    "1000000.000000001": "out_of_range",
    "1e7": "out_of_range",
    "-0.01": "out_of_range",
    "-0": None,
    '"1 USD"': "wrong_type",
    '"1,5"': "wrong_type",
    "1e999": "wrong_type",
    "true": "wrong_type",
    '{"amount": 1}': "wrong_type",
}


@pytest.mark.parametrize(("spelling", "reason"), MONEY.items(), ids=MONEY)
def test_money_has_nine_decimals_and_an_upper_limit(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("cost_usd", spelling)) == (reason and (reason, "cost_usd"))


BOOLEANS = {"true": None, "false": None, '"true"': None, "1": "wrong_type", '"yes"': "wrong_type", '"True"': "wrong_type", '""': "wrong_type"}


@pytest.mark.parametrize(("spelling", "reason"), BOOLEANS.items(), ids=BOOLEANS)
def test_a_boolean_is_true_or_false(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("is_cheap", spelling)) == (reason and (reason, "is_cheap"))


TEXTS = {
    '"12345678"': None,
    '"123456789"': "too_long",
    '"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"': None,
    '"\\ud83d\\ude00234567\\ud83d\\ude00"': None,
    '"\\ud800"': None,
    '"a\\u0000b"': None,
    '"a\tb\x01"': None,
    "17": None,
    "true": None,
    '"{j-1}"': "wrong_type",
    '"[1]"': "wrong_type",
    '" {j}"': None,
    '{"id": 1}': "wrong_type",
    '["j-1"]': "wrong_type",
}


@pytest.mark.parametrize(("spelling", "reason"), TEXTS.items(), ids=map(ascii, TEXTS))
def test_a_text_is_a_scalar_of_limited_length(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("job_id", spelling)) == (reason and (reason, "job_id"))


@pytest.mark.parametrize("state", ["OK", "ok ", "", "fine", 1])
def test_a_value_outside_an_enumeration_is_not_allowed(validator: Validator, state: object) -> None:
    assert judge(validator, with_fields(state=state)) == ("not_allowed", "state")


ATTRIBUTES = {
    "{}": None,
    '{"host": "a"}': None,
    '{"host": "a\\"b\\\\"}': None,
    '{"host": 5}': None,
    '{"host": null}': None,
    '"{\\"host\\":\\"a\\"}"': None,
    '{"prompt": "a"}': "unexpected_attribute",
    '{"host": "a", "prompt": "b"}': "unexpected_attribute",
    '{"host": {"name": "a"}}': "unexpected_attribute",
    '{"host": ["a"]}': "unexpected_attribute",
    "[]": "unexpected_attribute",
    '"a"': "unexpected_attribute",
    "5": "unexpected_attribute",
}


@pytest.mark.parametrize(("spelling", "reason"), ATTRIBUTES.items(), ids=ATTRIBUTES)
def test_attributes_are_one_flat_object_with_known_keys(validator: Validator, spelling: str, reason: str | None) -> None:
    assert judge(validator, with_text("attributes", spelling)) == (reason and (reason, "attributes"))


LINE_TERMINATORS = ("\n", "\x0b", "\x0c", "\r", "\r\n", "\x85", "\u2028", "\u2029")


@pytest.mark.parametrize("end", LINE_TERMINATORS, ids=ascii)
@pytest.mark.parametrize("text", ['{"host":"a%sb"}', '{"host":"a%s"}', '{"host":"\\%s"}'])
def test_a_value_of_an_attribute_may_be_of_several_lines(validator: Validator, text: str, end: str) -> None:
    assert judge(validator, with_fields(attributes=text.replace("%s", end))) is None


@pytest.mark.parametrize("end", LINE_TERMINATORS, ids=ascii)
@pytest.mark.parametrize("text", ["{}%s", "%s{}", "{%s}", '{"host":"a"}%s', '{"host%s":"a"}', '{"host":1%s}', '{"host"%s:1}'])
def test_nothing_but_a_value_of_an_attribute_is_of_several_lines(validator: Validator, text: str, end: str) -> None:
    assert judge(validator, with_fields(attributes=text.replace("%s", end))) == ("unexpected_attribute", "attributes")


@pytest.mark.parametrize("event_time", [APPENDED_MS - MAX_AGE_MS, APPENDED_MS + MAX_AHEAD_MS])
def test_an_event_may_be_as_far_from_its_append_time_as_promised(validator: Validator, event_time: int) -> None:
    assert judge(validator, with_fields(event_time=event_time)) is None


@pytest.mark.parametrize("event_time", [APPENDED_MS - MAX_AGE_MS - 1, APPENDED_MS + MAX_AHEAD_MS + 1, APPENDED_MS // 1000])
def test_an_event_further_from_its_append_time_is_out_of_range(validator: Validator, event_time: int) -> None:
    assert judge(validator, with_fields(event_time=event_time)) == ("out_of_range", "event_time")


TIMES = {
    EARLIEST_TIME_MS: None,
    EARLIEST_TIME_MS - 1: "out_of_range",
    APPENDED_MS // 1000: "out_of_range",
    APPENDED_MS * 1000: "out_of_range",
    "2026-03-01": "wrong_type",
}


@pytest.mark.parametrize(("ended_at", "reason"), TIMES.items())
def test_another_time_is_milliseconds_of_this_century(validator: Validator, ended_at: object, reason: str | None) -> None:
    assert judge(validator, with_fields(ended_at=ended_at)) == (reason and (reason, "ended_at"))


@pytest.mark.parametrize(("field", "value"), [("source", "cron"), ("is_canary", False)])
def test_a_canary_is_marked_and_comes_from_its_producer(validator: Validator, field: str, value: object) -> None:
    canary = {"event_type": "canary.beat", "source": "daybook-canary", "is_canary": True, "job_id": "canary"}
    assert judge(validator, with_fields(**canary)) is None
    assert judge(validator, with_fields(**(canary | {field: value}))) == ("not_allowed", field)


def test_the_first_field_in_the_order_of_the_contract_is_reported(validator: Validator) -> None:
    assert judge(validator, with_fields(cost_usd=-1, environment="test", tries=0)) == ("not_allowed", "environment")


def test_a_field_that_the_stream_does_not_know_is_ignored(validator: Validator) -> None:
    assert judge(validator, with_fields(colour={"name": "red"})) is None


def test_of_a_repeated_key_the_last_one_counts(validator: Validator) -> None:
    assert judge(validator, with_fields()[:-1] + b', "state": "fine"}') == ("not_allowed", "state")
    assert judge(validator, b'{"state": "fine", ' + with_fields()[1:]) is None


def test_what_follows_the_object_is_ignored(validator: Validator) -> None:
    assert judge(validator, b" \n" + with_fields() + b' trailing {"state": "fine"}') is None
