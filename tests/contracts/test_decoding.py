"""Bytes to members: what is one JSON object in UTF-8, and each way not to be one."""

from __future__ import annotations

import pytest

from contracts.decoding import Number, StructureError, decode
from contracts.reasons import STRUCTURAL

REFUSED: dict[str, dict[str, bytes]] = {
    "invalid_utf8": {
        "a byte that begins nothing": b'{"a":"\xff"}',
        "a byte that only goes on": b'{"a":"\x80"}',
        "a sequence cut short": b'{"a":"\xc3"}',
        "an overlong NUL": b'{"a":"\xc0\x80"}',
        "an overlong slash": b'{"a":"\xe0\x80\xaf"}',
        "half a surrogate pair": b'{"a":"\xed\xa0\x80"}',
        "a surrogate pair": b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}',
        "a code point past the last": b'{"a":"\xf4\x90\x80\x80"}',
        "five bytes": b'{"a":"\xf8\x88\x80\x80\x80"}',
        "in a key": b'{"\xff":1}',
        "in a nested value": b'{"a":[{"b":"\xff"}]}',
        "UTF-16 with its mark": '{"a":1}'.encode("utf-16"),
    },
    "malformed": {
        "nothing": b"",
        "blanks": b" \t\r\n",
        "a word": b"hello",
        "a number": b"17",
        "a text": b'"{}"',
        "null": b"null",
        "a byte order mark": b'\xef\xbb\xbf{"a":1}',
        "a blank that JSON does not have": b'\xc2\xa0{"a":1}',
        "a form feed": b'\x0c{"a":1}',
        "UTF-16 without its mark": '{"a":1}'.encode("utf-16-le"),
        "NUL before it": b'\0{"a":1}',
        "an object cut off": b'{"a":1',
        "a text cut off": b'{"a":"b',
        "a comma too many": b'{"a":1,}',
        "a comma too many in an array": b'{"a":[1,]}',
        "a comma alone": b"{,}",
        "two commas": b'{"a":1,,"b":2}',
        "no colon": b'{"a" 1}',
        "no value": b'{"a":}',
        "a key without quotes": b"{a:1}",
        "a key that is a number": b"{1:1}",
        "single quotes": b"{'a':1}",
        "a comment": b'{/**/"a":1}',
        "a line comment": b'{"a":1 //\n}',
        "leading zeros": b'{"a":01}',
        "a leading plus": b'{"a":+1}',
        "a leading point": b'{"a":.5}',
        "a trailing point": b'{"a":1.}',
        "an exponent without digits": b'{"a":1e}',
        "a minus alone": b'{"a":-}',
        "another writing's digits": '{"a":\u0665}'.encode(),
        "hexadecimal": b'{"a":0x10}',
        "a word as value": b'{"a":tru}',
        "a word in capitals": b'{"a":True}',
        "a word that begins like NaN": b'{"a":NaNx}',
        "minus NaN": b'{"a":-NaN}',
        "plus Infinity": b'{"a":+Infinity}',
        "a raw line feed": b'{"a":"b\nc"}',
        "a raw tab in a key": b'{"a\t":1}',
        "a raw NUL": b'{"a":"\0"}',
        "a raw control character in a nested text": b'{"a":[["\x1f"]]}',
        "an unknown escape": b'{"a":"\\q"}',
        "an escape cut short": b'{"a":"\\u12"}',
        "an escape in other digits": '{"a":"\\u\uff11\uff11\uff11\uff11"}'.encode(),
        "nested deeper than is read": b'{"a":' * 100 + b"{}" + b"}" * 100,
        "nested deeper in arrays": b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        "nested without end": b'{"a":' * 100_000,
    },
    "array": {
        "of one object": b'[{"a":1}]',
        "of several objects": b'[{"a":1},{"a":1}]',
        "of nothing": b"[]",
        "behind blanks": b" \n[17]",
        "without end": b'[{"a":1}',
    },
    "not_a_number": {
        "NaN": b'{"a":NaN}',
        "Infinity": b'{"a":Infinity}',
        "minus Infinity": b'{"a":-Infinity}',
        "in a nested value": b'{"a":[{"b":NaN}]}',
    },
    "several_objects": {
        "side by side": b'{"a":1}{"a":1}',
        "on two lines": b'{"a":1}\r\n\t {"b":2}',
        "the second one cut off": b'{"a":1} {',
    },
    "trailing_content": {
        "a word": b'{"a":1} x',
        "a bracket": b'{"a":1}]',
        "a comma": b'{"a":1},{"a":1}',
        "a NUL": b'{"a":1}\0',
        "a blank that JSON does not have": b'{"a":1}\xc2\xa0',
        "a line terminator that JSON does not have": '{"a":1}\u2028'.encode(),
        "a byte order mark": b'{"a":1}\xef\xbb\xbf',
    },
    "half_surrogate": {
        "the first half": b'{"a":"\\ud83d"}',
        "the second half": b'{"a":"\\uDE00"}',
        "the halves the wrong way round": b'{"a":"\\ude00\\ud83d"}',
        "a half before a pair": b'{"a":"\\ud83d\\ud83d\\ude00"}',
        "halves with something between": b'{"a":"\\ud83d \\ude00"}',
        "in a key": b'{"\\ud83d":1}',
        "in a nested text": b'{"a":[{"b":["\\ud83d"]}]}',
        "in a nested key": b'{"a":[{"\\ud83d":null}]}',
    },
    "repeated_key": {
        "with two values": b'{"a":1,"a":2}',
        "with one value": b'{"a":1,"b":2,"a":1}',
        "once null": b'{"a":null,"a":1}',
        "twice null": b'{"a":null,"a":null}',
        "escaped": b'{"a":1,"\\u0061":1}',
        "empty": b'{"":1,"":1}',
        "of the object of a field": b'{"attributes":{"b":1,"b":1}}',
        "of the object of a field, once null": b'{"attributes":{"b":null,"\\u0062":1}}',
    },
}
CASES = [(reason, value) for reason, values in REFUSED.items() for value in values.values()]
NAMES = [f"{reason}: {name}" for reason, values in REFUSED.items() for name in values]


@pytest.mark.parametrize(("reason", "value"), CASES, ids=NAMES)
def test_a_value_that_is_no_record_is_refused_for_its_fault(reason: str, value: bytes) -> None:
    with pytest.raises(StructureError) as caught:
        decode(value, ["attributes"])
    assert caught.value.reason == reason


def test_a_null_value_is_refused() -> None:
    with pytest.raises(StructureError) as caught:
        decode(None)
    assert caught.value.reason == "null_value"


def test_every_structural_reason_is_shown() -> None:
    assert REFUSED.keys() | {"null_value"} == STRUCTURAL


TOKENS = {
    '"text"': "text",
    '""': "",
    '"1"': "1",
    "1": Number("1"),
    "-0": Number("-0"),
    "1.50": Number("1.50"),
    "1E+05": Number("1E+05"),
    "true": True,
    "false": False,
    "[]": [],
    "[1,null]": [Number("1"), None],
    "{}": (),
    '{"b":1,"b":2}': (("b", Number("1")), ("b", Number("2"))),
    '"\\u0061\\/\\n\\u2028"': "a/\n\u2028",
    '"\\ud83d\\ude00"': "\U0001f600",
    '"\\uD83D\\uDE00"': "\U0001f600",
    '"\U0001f600"': "\U0001f600",
    '"\\\\ud83d"': "\\ud83d",
    '"\x7f\x85\u2028\ufeff\uffff"': "\x7f\x85\u2028\ufeff\uffff",
}


@pytest.mark.parametrize(("spelling", "token"), TOKENS.items(), ids=map(ascii, TOKENS))
def test_a_value_is_kept_as_it_was_sent(spelling: str, token: object) -> None:
    found = decode(f'{{"a":{spelling}}}'.encode())["a"]
    assert (found, type(found)) == (token, type(token))


def test_a_number_and_a_text_are_told_apart() -> None:
    assert [type(token) for token in decode(b'{"a":1,"b":"1"}').values()] == [Number, str]


def test_null_is_left_out() -> None:
    assert decode(b'{"a":null,"b":true}') == {"b": True}


def test_an_object_may_be_empty_and_stand_between_blanks() -> None:
    assert decode(b" \t\r\n{ } \n") == {}


def test_keys_of_deeper_objects_may_repeat() -> None:
    assert decode(b'{"attributes":{"b":{"c":1,"c":2}},"d":{"e":1,"e":1}}', ["attributes"])


@pytest.mark.parametrize("record", [b'{"a":' * 99 + b"{}" + b"}" * 99, b'{"a":' + b"[" * 99 + b"]" * 99 + b"}"])
def test_a_record_may_have_a_hundred_levels(record: bytes) -> None:
    assert decode(record)


LARGE = {
    "an integer": b'{"a":%s}' % (b"7" * 10_000),
    "a fraction": b'{"a":0.%s}' % (b"7" * 10_000),
    "an exponent": b'{"a":1e%s}' % (b"0" * 10_000),
    "a key": b'{"%s":1}' % (b"k" * 100_000),
    "a text": b'{"a":"%s"}' % (b"x" * 1_000_000),
    "many members": b'{"a":[%s{}]}' % (b"{}," * 10_000),
}


@pytest.mark.parametrize("record", LARGE.values(), ids=LARGE)
def test_nothing_is_too_large_to_be_read(record: bytes) -> None:
    assert decode(record)
