"""What a record is decoded to, or the first reason for which it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts import reasons
from contracts.model import DAY_MS, MAX_AHEAD_MS
from contracts.registry import Registry
from contracts.validator import Validator, Violation
from tests.contracts.events import APPENDED_MS, EVENT, decoded, judge, with_fields, with_text, without

MAX_AGE_MS = 30 * DAY_MS
LINE_TERMINATORS = ("\n", "\x0b", "\x0c", "\r", "\r\n", "\x85", "\u2028", "\u2029")
CANARY = {"event_type": "canary.beat", "source": "daybook-canary", "is_canary": True, "job_id": "canary"}


@pytest.fixture
def validator(small: Registry) -> Validator:
    """Judges by the small registry."""
    return Validator(small)


def test_a_usual_event_lands_as_it_is(validator: Validator) -> None:
    assert judge(validator, with_fields()) is None
    assert decoded(validator, with_fields()).values == EVENT


def test_a_violation_says_what_was_found(validator: Validator) -> None:
    assert validator.check("jobs", with_fields(tries="few"), APPENDED_MS) == Violation("wrong_type", "tries", "few")


def test_what_is_refused_is_not_decoded(validator: Validator) -> None:
    assert validator.decode("jobs", with_fields(tries="few"), APPENDED_MS) == Violation("wrong_type", "tries", "few")


SMALLEST: dict[str, tuple[bytes | None, str | None]] = {
    "null_value": (None, None),
    "invalid_utf8": (b"\xff", None),
    "malformed": (b"", None),
    "array": (b"[", None),
    "not_a_number": (b'{"":NaN}', None),
    "several_objects": (b"{}{", None),
    "trailing_content": (b"{}0", None),
    "half_surrogate": (b'{"\\ud800":0}', None),
    "repeated_key": (b'{"":0,"":0}', None),
    "missing": (b"{}", "event_type"),
    "unknown_event_type": (b'{"event_type":0}', "event_type"),
    "wrong_type": (with_fields(event_id=[]), "event_id"),
    "too_long": (with_fields(region="x" * 65), "region"),
    "not_allowed": (with_fields(state=""), "state"),
    "out_of_range": (with_fields(tries=0), "tries"),
    "beyond_64_bits": (with_text("tries", "9223372036854775808"), "tries"),
    "too_precise": (with_fields(cost_usd="1e-10"), "cost_usd"),
    "unexpected_attribute": (with_fields(attributes={"": 0}), "attributes"),
    "not_a_code": (with_fields(why=" "), "why"),
    "not_pseudonymous": (with_fields(user_id="@"), "user_id"),
    "not_a_hash": (with_fields(log_hash=0), "log_hash"),
    "not_a_reference": (with_fields(log_ref="?"), "log_ref"),
    "exceeds_whole": (with_fields(tries=1, failed_tries=3), "failed_tries"),
    "out_of_order": (with_fields(started_at=APPENDED_MS + DAY_MS), "started_at"),
}


@pytest.mark.parametrize("reason", SMALLEST)
def test_every_reason_has_a_smallest_record(validator: Validator, reason: str) -> None:
    value, field = SMALLEST[reason]
    assert judge(validator, value) == (reason, field)


def test_every_reason_is_shown() -> None:
    assert SMALLEST.keys() | {reasons.WRONG_REGION} == reasons.STRUCTURAL | reasons.OF_A_FIELD


@pytest.mark.parametrize("name", EVENT)
def test_a_required_field_that_is_absent_is_missing(validator: Validator, name: str) -> None:
    assert judge(validator, without(name)) == ("missing", name)


@pytest.mark.parametrize("name", EVENT)
def test_a_required_field_that_is_null_is_missing(validator: Validator, name: str) -> None:
    assert judge(validator, with_fields(**{name: None})) == ("missing", name)


@pytest.mark.parametrize("name", ["event_id", "event_type", "source", "tenant_id", "region", "job_id"])
def test_a_required_text_that_is_empty_is_missing(validator: Validator, name: str) -> None:
    assert judge(validator, with_fields(**{name: ""})) == ("missing", name)


def test_another_text_may_be_empty(validator: Validator) -> None:
    assert decoded(validator, with_fields(session_id="")).values["session_id"] == ""


@pytest.mark.parametrize("name", ["job.begun", "JOB.DONE", "job.done ", "null", 5, True, {"a": 1}, [], "x" * 100])
def test_another_event_type_is_unknown(validator: Validator, name: object) -> None:
    assert judge(validator, with_fields(event_type=name)) == ("unknown_event_type", "event_type")


@pytest.mark.parametrize(("field", "value"), [("source", "cron"), ("is_canary", False), ("is_canary", "false"), ("is_canary", None)])
def test_a_canary_is_marked_and_comes_from_its_producer(validator: Validator, field: str, value: object) -> None:
    assert judge(validator, with_fields(**CANARY)) is None
    reason = "missing" if value is None else "not_allowed"
    assert judge(validator, with_fields(**(CANARY | {field: value}))) == (reason, field)


def test_what_an_event_type_narrows_is_compared_as_text(validator: Validator) -> None:
    assert decoded(validator, with_fields(**(CANARY | {"is_canary": "true"}))).values["is_canary"] is True


ATTRIBUTES = {
    "{}": "{}",
    '{"host": "a"}': '{"host":"a"}',
    ' { "host" : "a" } ': '{"host":"a"}',
    '{"h\\u006fst": "\\u0061"}': '{"host":"a"}',
    '{"host": "a\\"b\\\\\\/"}': '{"host":"a\\"b\\\\/"}',
    '{"host": "\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f"}': '{"host":"\\b\\t\\n\\f\\r\\u0000\\u001F\x7f"}',
    '{"host": "\\u2028\\u0085\\ud83d\\ude00<&>"}': '{"host":"\u2028\x85\U0001f600<&>"}',
    '{"host": 5}': '{"host":5}',
    '{"host": 1.50e+3}': '{"host":1.50e+3}',
    '{"host": -0}': '{"host":-0}',
    '{"host": true}': '{"host":true}',
    '{"host": false}': '{"host":false}',
    '{"host": ""}': '{"host":""}',
    '{"host": null}': "{}",
    '{"prompt": "a"}': "unexpected_attribute",
    '{"prompt": null}': "unexpected_attribute",
    '{"Host": "a"}': "unexpected_attribute",
    '{"host": "a", "prompt": "b"}': "unexpected_attribute",
    '{"host": {"name": "a"}}': "unexpected_attribute",
    '{"host": ["a"]}': "unexpected_attribute",
    '{"host": {}}': "unexpected_attribute",
    '"{\\"host\\":\\"a\\"}"': "wrong_type",
    "[]": "wrong_type",
    '""': "wrong_type",
    "5": "wrong_type",
    "true": "wrong_type",
}


@pytest.mark.parametrize("spelling", ATTRIBUTES)
def test_attributes_are_one_flat_object_with_known_keys_in_one_spelling(validator: Validator, spelling: str) -> None:
    value, expected = with_text("attributes", spelling), ATTRIBUTES[spelling]
    assert (judge(validator, value) or decoded(validator, value).values["attributes"]) in {expected, (expected, "attributes")}


def test_attributes_stand_in_the_order_of_the_contract(product: Registry) -> None:
    stream = product.streams["runs"]
    keys = stream.fields["attributes"].keys
    beat = EVENT | CANARY | {"run_id": "r-1", "attributes": dict.fromkeys(reversed(keys), 1)}
    found = Validator(product).decode("runs", json.dumps(beat).encode(), APPENDED_MS)
    assert not isinstance(found, Violation)
    assert list(json.loads(str(found.values["attributes"]))) == [*keys]


@pytest.mark.parametrize("end", LINE_TERMINATORS, ids=ascii)
def test_a_line_terminator_in_a_text_is_content(validator: Validator, end: str) -> None:
    values = decoded(validator, with_fields(job_id=f"a{end}b", attributes={"host": f"a{end}"})).values
    assert (values["job_id"], json.loads(str(values["attributes"]))) == (f"a{end}b", {"host": f"a{end}"})


@pytest.mark.parametrize("end", LINE_TERMINATORS, ids=ascii)
def test_a_line_terminator_behind_a_value_makes_it_another_one(validator: Validator, end: str) -> None:
    fields: dict[str, Any] = {"event_type": "job.done", "state": "ok", "tries": "5", "cost_usd": "1", "is_cheap": "true"}
    found = [judge(validator, with_fields(**{name: f"{text}{end}"})) for name, text in fields.items()]
    assert [violation and violation[1] for violation in found] == list(fields)


@pytest.mark.parametrize("event_time", [APPENDED_MS - MAX_AGE_MS, APPENDED_MS + MAX_AHEAD_MS])
def test_an_event_may_be_as_far_from_its_append_time_as_promised(validator: Validator, event_time: int) -> None:
    assert judge(validator, with_fields(event_time=event_time)) is None


@pytest.mark.parametrize("event_time", [APPENDED_MS - MAX_AGE_MS - 1, APPENDED_MS + MAX_AHEAD_MS + 1])
def test_an_event_further_from_its_append_time_is_out_of_range(validator: Validator, event_time: int) -> None:
    assert judge(validator, with_fields(event_time=event_time)) == ("out_of_range", "event_time")


def test_an_event_that_is_not_appended_yet_is_of_any_age(validator: Validator) -> None:
    assert validator.check("jobs", with_fields(event_time=APPENDED_MS - 2 * MAX_AGE_MS), None) is None


PROPORTIONS: dict[str, tuple[dict[str, object], str | None]] = {
    "the sum is the whole and its tolerance": ({"tries": 4, "failed_tries": 2, "lost_tries": 3}, None),
    "the sum is more": ({"tries": 4, "failed_tries": 2, "lost_tries": 4}, "failed_tries"),
    "one part is more": ({"tries": 4, "lost_tries": 6}, "lost_tries"),
    "numbers sent as text": ({"tries": "4", "lost_tries": "6"}, "lost_tries"),
    "no whole": ({"failed_tries": 2, "lost_tries": 4}, None),
    "a whole that is null": ({"tries": None, "lost_tries": 6}, None),
    "no part": ({"tries": 4}, None),
    "a sum beyond 64 bits": ({"tries": 4, "failed_tries": 2**63 - 1, "lost_tries": 2**63 - 1}, "failed_tries"),
    "a start a day after the event": ({"started_at": APPENDED_MS - 5 + DAY_MS}, None),
}


@pytest.mark.parametrize("case", PROPORTIONS.values(), ids=PROPORTIONS)
def test_the_parts_that_are_present_are_held_against_the_whole(validator: Validator, case: tuple[dict[str, object], str | None]) -> None:
    fields, first = case
    assert judge(validator, with_fields(**fields)) == (first and ("exceeds_whole", first))


def test_fields_that_an_event_type_does_not_carry_are_compared_all_the_same(validator: Validator) -> None:
    assert judge(validator, with_fields(**CANARY, tries=1, failed_tries=3)) == ("exceeds_whole", "failed_tries")


REGIONS = {
    '"eu"': None,
    '"\\u0065u"': None,
    '"us"': "wrong_region",
    '"EU"': "wrong_region",
    '""': "wrong_region",
    "5": "wrong_region",
    "null": "missing",
    "{}": "wrong_type",
}


@pytest.mark.parametrize(("spelling", "reason"), REGIONS.items())
def test_a_stack_takes_events_of_its_regions(small: Registry, spelling: str, reason: str | None) -> None:
    assert judge(Validator(small, ["eu", "ch"]), with_text("region", spelling)) == (reason and (reason, "region"))


ORDER: dict[str, tuple[bytes, tuple[str, str | None]]] = {
    "structure before the region": (with_fields(region="us")[:-1] + b',"region":"us"}', ("repeated_key", None)),
    "region before the event type": (with_fields(region="us", event_type="x"), ("wrong_region", "region")),
    "event type before its fields": (with_fields(event_type="x", event_id=""), ("unknown_event_type", "event_type")),
    "fields in the contract's order": (with_fields(cost_usd=-1, environment="test", tries=0), ("not_allowed", "environment")),
    "a value before what is missing behind it": (without("job_id")[:-1] + b',"user_id":"@"}', ("not_pseudonymous", "user_id")),
    "what is missing before a value behind it": (without("job_id")[:-1] + b',"tries":0}', ("missing", "job_id")),
    "a value before that it is empty": (with_fields(state=""), ("not_allowed", "state")),
    "empty before narrowed": (with_fields(**(CANARY | {"source": ""})), ("missing", "source")),
    "a field's value before its narrowing": (with_fields(**(CANARY | {"is_canary": "no"})), ("wrong_type", "is_canary")),
    "fields before rules between them": (with_fields(tries=1, failed_tries=3, log_ref="?"), ("not_a_reference", "log_ref")),
    "rules in order": (with_fields(tries=1, lost_tries=3, started_at=APPENDED_MS + 2 * DAY_MS), ("exceeds_whole", "lost_tries")),
    "rules before the age": (with_fields(event_time=APPENDED_MS + 2 * DAY_MS, tries=1, lost_tries=3), ("exceeds_whole", "lost_tries")),
}


@pytest.mark.parametrize("case", ORDER.values(), ids=ORDER)
def test_of_several_violations_the_first_is_told(small: Registry, case: tuple[bytes, tuple[str, str | None]]) -> None:
    value, first = case
    assert judge(Validator(small, ["local"]), value) == first


UNDECLARED: dict[str, tuple[dict[str, object], str | None]] = {
    "none": ({}, None),
    "one": ({"colour": "red"}, "colour"),
    "in the order of code points": ({"b": 1, "a": 1, "_": 1, "Z": 1}, "Z,_,a,b"),
    "an object": ({"colour": {"name": "red"}}, "colour"),
    "null": ({"colour": None}, None),
    "what the decoder and the broker add": ({"payload_hash": 1, "offset": 1}, "offset,payload_hash"),
    "a field of another event type": ({"node": "n-1"}, "node"),
    "no identifiers": ({"": 1, "a b": 1, "1a": 1, "ä": 1, "a,b": 1, "a\n": 1}, "?"),
    "identifiers": ({"a.b-c_d9": 1}, "a.b-c_d9"),
    "long": ({"x" * 64: 1, "y" * 65: 1}, f"?,{'x' * 64}"),
    "many": ({**{f"k{number:02}": 1 for number in range(20)}, "": 1}, ",".join(["?", *(f"k{number:02}" for number in range(15))])),
}


@pytest.mark.parametrize("case", UNDECLARED.values(), ids=UNDECLARED)
def test_keys_that_an_event_type_does_not_carry_are_named_and_land_nowhere(validator: Validator, case: tuple[dict[str, object], str | None]) -> None:
    fields, keys = case
    found = decoded(validator, with_fields(**fields))
    assert (found.undeclared_keys, found.values) == (keys, EVENT)


def test_a_field_that_an_event_type_does_not_carry_is_judged_all_the_same(validator: Validator) -> None:
    assert judge(validator, with_fields(node="x" * 129)) == ("too_long", "node")
