"""From the bytes of a record to the text form of its fields, exactly as Flink's JSON decoder hands them to STRING columns.

What that decoder (Jackson's) takes and what it refuses is repeated here, oddities included, so that gate and validator judge
the same text.
"""

from __future__ import annotations

import codecs
import json
import math
from decimal import Decimal
from typing import Any

from contracts.errors import DaybookError

LONGEST_NUMBER = 1000
"""Digits of a number beyond which Jackson refuses the record."""
LONGEST_NAME = 50_000
"""Bytes of a key beyond which Jackson refuses the record."""


class ArrayValueError(DaybookError):
    """A record is an array of several objects instead of one."""


def decode(value: bytes) -> dict[str, str]:
    """Text form of every top-level field that is present and not null.

    Numbers are spelled as Java does it: integers in digits, others as the nearest double. What follows the value is ignored, and
    an array with one object is taken for the object.

    Raises:
        UnicodeDecodeError: the bytes are not text.
        ArrayValueError: the text begins with an array of several objects.
        ValueError: the text does not begin with a JSON object.
        RecursionError: it is nested too deeply.
    """
    objects = _objects(value)
    if len(objects) > 1:
        message = f"an array of {len(objects)} objects"
        raise ArrayValueError(message)
    if not objects:
        message = "not a JSON object"
        raise ValueError(message)
    return {name: _text_form(item) for name, item in objects[0].items() if item is not None}


class _Number(str):
    """A number as it was spelled."""

    __slots__ = ()


def _objects(value: bytes) -> list[dict[str, Any]]:
    """The object that the bytes begin with, or the objects of the array that they begin with."""
    encoding = json.detect_encoding(value)
    lenient = _LENIENT if encoding == "utf-8" else "surrogatepass"
    try:
        document = _parse(value.decode(encoding, lenient))
    except UnicodeDecodeError as error:
        try:
            document = _parse(value[: error.start].decode(encoding, lenient))
        except ValueError:
            raise error from None
    return [item for item in (document if isinstance(document, list) else [document]) if isinstance(item, dict)]


def _parse(text: str) -> Any:
    return _DECODER.raw_decode(text.lstrip(" \t\r\n"))[0]


def _text_form(item: Any) -> str:
    text = _normalized(item) if isinstance(item, _Number) else item if isinstance(item, str) else _json(item)
    # Two halves of a pair become one character, a half alone becomes a question mark.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass").encode("utf-8", "replace").decode("utf-8")


def _json(item: Any) -> str:
    """A nested value as Jackson's tree writes it."""
    match item:
        case _Number():
            number = _normalized(item)
            return number if number[-1].isdigit() else f'"{number}"'
        case str():
            return f'"{item.translate(_ESCAPES)}"'
        case dict():
            return f"{{{','.join(f'{_json(str(name))}:{_json(part)}' for name, part in item.items())}}}"
        case list():
            return f"[{','.join(map(_json, item))}]"
        case _:
            return {True: "true", False: "false", None: "null"}[item]


def _normalized(number: str) -> str:
    """An integer in digits, or a double as Java spells it."""
    if not set(number) & set(".eE"):
        return str(int(number))
    double = float(number)
    if math.isinf(double):
        return "Infinity" if double > 0 else "-Infinity"
    if double == 0 or 1e-3 <= abs(double) < 1e7:  # noqa: PLR2004 - Java's bounds of plain notation
        return repr(double)
    sign, digits, _ = Decimal(repr(double)).normalize().as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' * sign}{first}.{''.join(rest) or '0'}E{Decimal(repr(double)).adjusted()}"


def _checked_number(spelling: str) -> _Number:
    if sum(map(str.isdigit, spelling)) > LONGEST_NUMBER:
        message = f"a number of more than {LONGEST_NUMBER} digits"
        raise ValueError(message)
    return _Number(spelling)


def _checked_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if any(len(name) > LONGEST_NAME // 4 and len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME for name, _ in members):
        message = f"a key of more than {LONGEST_NAME} bytes"
        raise ValueError(message)
    return dict(members)


def _refuse_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _decode_leniently(error: UnicodeError) -> tuple[str, int]:
    """Sequences that UTF-8 forbids and Jackson decodes all the same: overlong ones, surrogates, code points past the last."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    first = error.object[error.start]
    length = 2 if first & 0xE0 == 0xC0 else 3 if first & 0xF0 == 0xE0 else 4 if first & 0xF8 == 0xF0 else 0  # noqa: PLR2004 - UTF-8's own bits
    rest = error.object[error.start + 1 : error.start + length]
    if not length or len(rest) < length - 1 or any(byte & 0xC0 != 0x80 for byte in rest):  # noqa: PLR2004
        raise error
    code = first & (0x7F >> length)
    for byte in rest:
        code = code << 6 | byte & 0x3F
    if length < 4:  # noqa: PLR2004
        return chr(code), error.start + length
    code -= 0x10000
    return chr((0xD800 | code >> 10) & 0xFFFF) + chr(0xDC00 | code & 0x3FF), error.start + length


_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | str.maketrans(
    {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
)
_LENIENT = "daybook-jackson"
codecs.register_error(_LENIENT, _decode_leniently)
# strict=False: raw control characters inside texts are taken.
_DECODER = json.JSONDecoder(
    parse_float=_checked_number, parse_int=_checked_number, parse_constant=_refuse_constant, object_pairs_hook=_checked_object, strict=False
)
