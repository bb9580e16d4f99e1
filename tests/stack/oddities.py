"""Spellings and bytes on which decoders, casts and regular expressions are known to differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDE = "\U0001f600"
"""One code point, two UTF-16 units."""
_WHOLE = "0 -0 007 -7 +1 1_000 0x10 1L 9223372036854775807 9223372036854775808 -9223372036854775808 99999999999999999999"
_BROKEN = "1.0 1.9 1. .5 -.5 --1 1f 1d -0.0 0.1234567891 0.123456789 0.30000000000000004 999999.999999999 1000000.000000001 12345678901234567890.5"
_SCIENTIFIC = "1e2 1E2 1e+2 1e-2 1e5 100000e-5 0.000000001e0 1e308 1.7976931348623157e308 1e400 -1e400 NaN Infinity -Infinity"
ODD_NUMBERS = (*_WHOLE.split(), *_BROKEN.split(), *_SCIENTIFIC.split())
_WORDS = ("", "-", ".", "e", "null", "true", "TRUE", "False", "true ", "1", " 1", "1 ", "{", "[", "{}", "[]", " {", "'", '"', "\\", "%", "_")
_BLANKS = (" ", "\t", "\n", "\u00a0", "\u2028", "\ufeff", "\uffff", "\x7f", "\x1f", "\0", "a\0b")
_LETTERS = ("ß", "é", "e\u0301", "\u017f", "\u0130", "\u0661", "\uff11", WIDE)
_SURROGATES = ("\ud800", "\udc00", "x\ud83dy", "\ud83d\ude00", "\ude00\ud83d")
ODD_TEXTS = (*_WORDS, *_BLANKS, *_LETTERS, *_SURROGATES)
_OVERLONG = (b"\xc0\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80")
_TORN = (b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\x80", b"\xc3", b"\xe2\x82", b"\xff", b"\xfe", b"\x00", b"\x01", b"\n", b"\x7f")
_ESCAPED = (b"\\u12", b"\\x41", b"\\u0000", b"\\uD800", b"\\ud83d\\ude00", b"\\/", b"\\'", b"\\")
ODD_BYTES = (*_OVERLONG, *_TORN, *_ESCAPED)
"""Put raw between the quotes of a text."""
LITERALS = (
    *("true", "false", "null", "{}", "[]", '{"a":1}', "[1]", '["a","b"]', '{"a":{"b":[1,2,{"c":null}]}}'),
    *('{"run_id":"inner","tenant_id":"inner"}', '[{"event_id":"inner"}]'),
)
ATTRIBUTES = (
    *("{}", '{"workspace":"w"}', '{"workspace":"w","branch":"b"}', '{"workspace":"w","workspace":"v"}', '{ "workspace" : "spaced" }'),
    *('{"workspace":1.5,"branch":true}', '{"workspace":1.50}', '{"workspace":1e5}', '{"workspace":1e-7}', '{"workspace":1e400}', '{"workspace":-0}'),
    *('{"workspace":null}', '{"workspace":12345678.9}', '{"other":"x"}', '{"workspace":{"a":1}}', '{"workspace":[1]}', '{"workspace":"w",}'),
    *('{"workspace":"a\\"b\\\\c"}', '{"workspace":"\\u0000\\ud800"}', '{"workspace":"\\u001f"}', '{"workspace":"a/b"}', '{"workspace":"a}b{"}'),
    *(f'{{"workspace":"é{WIDE}"}}', '"{\\"workspace\\":\\"w\\"}"'),
)
LINE_TERMINATORS = ("\n", "\x0b", "\x0c", "\r", "\r\n", "\x85", "\u2028", "\u2029")
"""All that Unicode has; regular expressions differ in which of them end a line."""


def attribute_edges() -> tuple[str, ...]:
    """Attributes as an object and as the text of one, odd in the values, the keys and between them."""
    bare = [f'{{"workspace":{number}}}' for number in ODD_NUMBERS]
    texts = [*ODD_TEXTS, *LINE_TERMINATORS, *(f"a{end}b" for end in LINE_TERMINATORS), *(f"\\{end}" for end in LINE_TERMINATORS), *ODD_NUMBERS]
    told = [json.dumps(content, ensure_ascii=is_ascii) for text in texts for content in _with(text) for is_ascii in (True, False)]
    escaped = ['{"work\\u0073pace":1}', '{"workspace":"\\u0077"}', '{"workspace\\u0000":1}', '{"Workspace":1}', '{"workspace ":1}', '{"":1}', '{"1":1}']
    # The text of an object is not decoded once more, so that anything may stand in it.
    spelled = [text for end in LINE_TERMINATORS for text in _broken_by(end)]
    return tuple(dict.fromkeys([*bare, *told, *escaped, *spelled, *map(json.dumps, [*bare, *escaped, *spelled])]))


def _with(text: str) -> Iterator[dict[str, object]]:
    yield {"workspace": text}
    yield {f"workspace{text}": 1}
    yield {text: "w"}


def _broken_by(end: str) -> Iterator[str]:
    yield from (f'{{"workspace":"w"}}{end}', f'{end}{{"workspace":"w"}}', f"{{{end}}}", f"{{}}{end}")
    yield from (f'{{"workspace":1{end}}}', f'{{"workspace"{end}:1}}', f'{{"workspace":1,{end}"branch":2}}')
    yield from (f'{{"workspace":"a\\{end}"}}', f'{{"workspace":"a{end}"}}', f'{{"workspace{end}":1}}')


_SIZES = (
    *(f'"unknown":{"7" * digits}' for digits in (999, 1000, 1001, 5000)),
    *(f'"unknown":0.{"7" * digits}' for digits in (998, 999, 1000, 1001)),
    *(f'"unknown":1e{"0" * digits}' for digits in (998, 999, 1001)),
    *(f'"progress":0.{"0" * digits},"cost_usd":0' for digits in (998, 1001)),
    *(f'"cost_usd":0.5{"0" * digits}' for digits in (900, 998, 999, 1001)),
    *(f'"{"k" * length}":1' for length in (49_999, 50_000, 50_001)),
    *(f'"unknown":{"[" * depth}1{"]" * depth}' for depth in (100, 400, 1001)),
)
_SPELLINGS = (
    *('"unknown":NaN', '"unknown":-Infinity', '"unknown":01', '"unknown":+1', '"unknown":.5', '"unknown":1.', '"unknown":tru', '"unknown":undefined'),
    *('"unknown":"\t"', '"unknown":"\\q"', "'unknown':1", "unknown:1", '"unknown":1,', '"unknown":1,,"a":2', '/**/"unknown":1', '"\\u0074enant_id":"escaped"'),
)
LIMITS = (*_SIZES, *_SPELLINGS)
"""Members at the limits of decoders, to be put into a valid event."""
