"""From the bytes of a record to its members: the structure of a record, judged before anything that it says.

A record is one JSON object (RFC 8259) in UTF-8, both taken strictly. Python's own scanner in C reads it; numbers stay as they were spelled.
A key that stands twice, in the record or in the object of an `object` field, refuses the record, even when one of the values is null:
producer and readers could mean different ones. Objects deeper than that are nobody's field and are not looked at.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from contracts import reasons
from contracts.errors import DaybookError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST = 100
"""Levels of nesting, the record itself included."""
Token: TypeAlias = "str | bool | list[Token | None] | tuple[tuple[str, Token | None], ...]"  # noqa: S105 - no password
"""A value as it was sent: text (`str`), number (`Number`), boolean, array, or object as its members in order."""


class StructureError(DaybookError):
    """A value is no record; `reason` is one of `reasons.STRUCTURAL`."""

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


class Number(str):
    """A number token in its own spelling."""

    __slots__ = ()


def decode(value: bytes | None, objects: Iterable[str] = ()) -> dict[str, Token]:
    """Members of a record by name, those that are null left out; `objects` names the fields in which no key may stand twice either.

    Raises:
        StructureError: the value is no record.
    """
    if value is None:
        raise StructureError(reasons.NULL_VALUE)
    pairs = _read(_text(value))
    if value.count(b"{") + value.count(b"[") > DEEPEST and _is_deeper(pairs):
        raise StructureError(reasons.MALFORMED, f"nested deeper than {DEEPEST}")
    # Only an escape can spell half a character, as the bytes are UTF-8.
    if (b"\\ud" in value or b"\\uD" in value) and any(map(_HALF.search, _texts(pairs))):
        raise StructureError(reasons.HALF_SURROGATE)
    members = dict(pairs)
    if len(members) < len(pairs) or any(_is_repeating(members.get(name)) for name in objects):
        raise StructureError(reasons.REPEATED_KEY)
    return {name: token for name, token in members.items() if token is not None}


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise StructureError(reasons.INVALID_UTF8, str(error)[:120]) from None


def _read(text: str) -> tuple[tuple[str, Token | None], ...]:
    start = _after_blanks(text, 0)
    if text.startswith("[", start):
        raise StructureError(reasons.ARRAY)
    try:
        document, end = _STRICT.raw_decode(text, start)
    except _NotANumberError:
        raise StructureError(_reason_beside_constants(text, start)) from None
    except (ValueError, RecursionError) as error:
        raise StructureError(reasons.MALFORMED, str(error)[:120]) from None
    if type(document) is not tuple:
        raise StructureError(reasons.MALFORMED, "not a JSON object")
    end = _after_blanks(text, end)
    if end < len(text):
        raise StructureError(reasons.SEVERAL_OBJECTS if text[end] == "{" else reasons.TRAILING_CONTENT, text[end : end + 120])
    return document


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def _reason_beside_constants(text: str, start: int) -> str:
    """What is wrong with a record that has NaN or Infinity in it: nothing else, or that what is there only begins like one of them."""
    try:
        _LENIENT.raw_decode(text, start)
    except (ValueError, RecursionError):
        return reasons.MALFORMED
    return reasons.NOT_A_NUMBER


def _is_repeating(token: Token | None) -> bool:
    return type(token) is tuple and len(dict(token)) < len(token)


def _is_deeper(record: Token) -> bool:
    level = [record]
    for _ in range(DEEPEST):
        level = [child for token in level for child in _children(token) if isinstance(child, list | tuple)]
    return bool(level)


def _children(token: Token | None) -> Iterator[Token | None]:
    if isinstance(token, tuple):
        yield from (child for _, child in token)
    elif isinstance(token, list):
        yield from token


def _texts(record: Token) -> Iterator[str]:
    """Every key and every text, however deep."""
    left: list[Token | None] = [record]
    while left:
        token = left.pop()
        if isinstance(token, str):
            yield token
        elif isinstance(token, tuple):
            yield from (name for name, _ in token)
        left += _children(token)


class _NotANumberError(DaybookError):
    """Raised within the scanner."""


def _refuse_constant(_: str) -> None:
    raise _NotANumberError


def _decoder(**hooks: Any) -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=tuple, **hooks)


_STRICT = _decoder(parse_constant=_refuse_constant)
_LENIENT = _decoder(parse_constant=Number)
_BLANKS = re.compile(r"[ \t\r\n]*")
_HALF = re.compile("[\ud800-\udfff]")
