"""Bytes to text as Flink's decoder does it; what a real job does with the same bytes is held against this in tests/stack."""

from __future__ import annotations

import pytest

from contracts.decoding import ArrayValueError, decode

NUMBERS = {
    "1.50": "1.5",
    "1e3": "1000.0",
    "-0": "0",
    "-0.0": "-0.0",
    "1e7": "1.0E7",
    "-12345678.9": "-1.23456789E7",
    "0.001": "0.001",
    "0.00099": "9.9E-4",
    "1e-9": "1.0E-9",
    "123456789012345680000.5": "1.2345678901234568E20",
    "12345678901234567890": "12345678901234567890",
    "1e400": "Infinity",
    "-1e400": "-Infinity",
}


def text_of(value: bytes) -> str:
    """Text form of the field `a`."""
    return decode(b'{"a": ' + value + b"}")["a"]


@pytest.mark.parametrize(("spelling", "text"), NUMBERS.items())
def test_a_number_is_spelled_as_java_does_it(spelling: str, text: str) -> None:
    assert text_of(spelling.encode()) == text


def test_a_nested_number_is_normalized_too() -> None:
    assert text_of(b'{"b": 1e5, "c": -0, "d": 1e400}') == '{"b":100000.0,"c":0,"d":"Infinity"}'


def test_containers_are_written_compactly() -> None:
    assert text_of(b'{ "b" : [ "c", null, true ] }') == '{"b":["c",null,true]}'


def test_nested_control_characters_are_escaped_in_upper_case() -> None:
    assert text_of(rb'["\u001f\n\"\\\u007f\u2028"]') == '["\\u001F\\n\\"\\\\\x7f\u2028"]'


def test_null_is_left_out() -> None:
    assert decode(b'{"a": null, "b": true}') == {"b": "true"}


@pytest.mark.parametrize("spelling", [b'"\\ud800"', b'["\\udfff"]', b'{"b": "\\ud800"}', b'"\xed\xa0\x80"'])
def test_half_a_surrogate_pair_becomes_a_question_mark(spelling: bytes) -> None:
    assert "?" in text_of(spelling)


@pytest.mark.parametrize("spelling", [b'"\\ud83d\\ude00"', b'"\xf0\x9f\x98\x80"', b'"\xed\xa0\xbd\xed\xb8\x80"'])
def test_a_character_is_the_same_however_it_was_encoded(spelling: bytes) -> None:
    assert text_of(spelling) == "\U0001f600"


@pytest.mark.parametrize(("overlong", "text"), [(b"\xc0\x80", "\0"), (b"\xc0\xaf", "/"), (b"\xe0\x80\xaf", "/")])
def test_overlong_bytes_are_taken_as_jackson_takes_them(overlong: bytes, text: str) -> None:
    assert text_of(b'"' + overlong + b'"') == text


@pytest.mark.parametrize("wrong", [b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf8\x88\x80\x80\x80"])
def test_other_bytes_that_are_no_text_are_refused(wrong: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        text_of(b'"' + wrong + b'"')


def test_bytes_after_the_value_do_not_matter() -> None:
    assert decode(b'{"a": 1} \xff\xfe') == {"a": "1"}


@pytest.mark.parametrize("array", [b'[{"a": 1}]', b'[{"a": 1}, 17]', b'[null, {"a": 1}]'])
def test_an_array_with_one_object_is_the_object(array: bytes) -> None:
    assert decode(array) == {"a": "1"}


def test_an_array_of_several_objects_is_none_of_them() -> None:
    with pytest.raises(ArrayValueError, match="an array of 2 objects"):
        decode(b'[{"a": 1}, {"a": 1}]')


@pytest.mark.parametrize("wrong", [b'{"b": %d}' % 10**1000, b'{"b": 0.%s}' % (b"7" * 1000), b'{"%s": 1}' % (b"k" * 50_001), b'[{"a": 1}', b'{"a": [1,]}'])
def test_what_jackson_refuses_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are Python's
        decode(wrong)


@pytest.mark.parametrize("right", [b'{"b": %d}' % 10**999, b'{"b": 0.%s}' % (b"7" * 999), b'{"%s": 1}' % (b"k" * 50_000)])
def test_what_is_just_within_jacksons_limits_is_taken(right: bytes) -> None:
    assert decode(right)
