"""One rule of a field, as a function from what was sent to what is landed.

The *text* of a token is its content, or its spelling where it is a number or a boolean; an object or an array has none.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from contracts import reasons
from contracts.decoding import Number
from contracts.errors import DaybookError
from contracts.model import NANO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.decoding import Token
    from contracts.payload_hash import Value
    from contracts.rules import FieldRules

    Judge = Callable[[Token], Value]
    """Gives the landed value, or raises `RefusedError`."""

LONGEST_NUMBER = 64
"""Characters of a number's text."""
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?")
_INT64 = 2**63
_NANO_PLACES = 9
_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | str.maketrans(
    {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
)


class RefusedError(DaybookError):
    """A value breaks the rule of its field; its one argument is the reason code."""


def judge_of(rules: FieldRules) -> Judge:
    """Return the function that judges and lands a value of a field."""
    return _JUDGES[rules["type"]](rules)


def text_of(token: Token) -> str | None:
    """Return the text of a token, None for an object or an array."""
    if isinstance(token, str):
        return str(token)
    return ("true" if token else "false") if isinstance(token, bool) else None


def _text(rules: FieldRules) -> Judge:
    reason = rules.get("reason", reasons.TOO_LONG)
    allowed = frozenset(rules["enum"]) if "enum" in rules else None
    shortest, longest = rules.get("length", 0), rules.get("length", rules.get("max_length", math.inf))
    wrong = frozenset(rules.get("none_of", ""))
    right = frozenset(rules["only_of"]) if "only_of" in rules else None

    def judge(token: Token) -> str:
        text = text_of(token)
        if text is None:
            raise RefusedError(reasons.WRONG_TYPE)
        if allowed is not None and text not in allowed:
            raise RefusedError(reasons.NOT_ALLOWED)
        if not shortest <= len(text) <= longest or not wrong.isdisjoint(text) or not (right is None or right.issuperset(text)):
            raise RefusedError(reason)
        return text

    return judge


def _integer(rules: FieldRules) -> Judge:
    low, high = rules.get("min", -math.inf), rules.get("max", math.inf)

    def judge(token: Token) -> int:
        text = _spelled(token)
        if not _INTEGER.fullmatch(text):
            raise RefusedError(reasons.WRONG_TYPE)
        number = int(text)
        if not -_INT64 <= number < _INT64:
            raise RefusedError(reasons.BEYOND_64_BITS)
        if not low <= number <= high:
            raise RefusedError(reasons.OUT_OF_RANGE)
        return number

    return judge


def _number(rules: FieldRules) -> Judge:
    low, high = rules.get("min", -math.inf), rules.get("max", math.inf)

    def judge(token: Token) -> float:
        text = _spelled(token)
        if not _NUMBER.fullmatch(text):
            raise RefusedError(reasons.WRONG_TYPE)
        number = float(text)
        if math.isinf(number):
            raise RefusedError(reasons.BEYOND_64_BITS)
        if not low <= number <= high:
            raise RefusedError(reasons.OUT_OF_RANGE)
        # Zero has one sign, so that equal numbers have equal bits.
        return number + 0.0

    return judge


def _money(rules: FieldRules) -> Judge:
    """Billionths of a dollar in exact integers: a double would take what has ten places for what has nine."""
    most = rules["max"] * NANO

    def judge(token: Token) -> int:
        text = _spelled(token)
        found = _NUMBER.fullmatch(text)
        if not found:
            raise RefusedError(reasons.WRONG_TYPE)
        whole, fraction, exponent = found[1], found[2] or "", int(found[3] or 0)
        digits, shift = int(whole + fraction), exponent - len(fraction) + _NANO_PLACES
        nanos, rest = divmod(digits * _power(shift), _power(-shift))
        if text.startswith("-") or nanos > most or (nanos == most and rest):
            raise RefusedError(reasons.OUT_OF_RANGE)
        if rest:
            raise RefusedError(reasons.TOO_PRECISE)
        return nanos

    return judge


def _power(exponent: int) -> int:
    """The power of ten, 1 where the exponent is negative."""
    return int(10 ** max(exponent, 0))


def _spelled(token: Token) -> str:
    """What may be a number: a text or a number token that is not too long."""
    if isinstance(token, str) and len(token) <= LONGEST_NUMBER:
        return token
    raise RefusedError(reasons.WRONG_TYPE)


def _boolean(_: FieldRules) -> Judge:
    def judge(token: Token) -> bool:
        text = text_of(token)
        if text not in {"true", "false"}:
            raise RefusedError(reasons.WRONG_TYPE)
        return text == "true"

    return judge


def _object(rules: FieldRules) -> Judge:
    keys = rules.get("keys", ())

    def judge(token: Token) -> str:
        if not isinstance(token, tuple):
            raise RefusedError(reasons.WRONG_TYPE)
        members = dict(token)
        if not members.keys() <= {*keys} or any(isinstance(member, list | tuple) for member in members.values()):
            raise RefusedError(reasons.UNEXPECTED_ATTRIBUTE)
        return f"{{{','.join(f'{_json(key)}:{_json(members[key])}' for key in keys if members.get(key) is not None)}}}"

    return judge


def _json(token: Token | None) -> str:
    if isinstance(token, str) and not isinstance(token, Number):
        return f'"{token.translate(_ESCAPES)}"'
    return str(token) if isinstance(token, Number) else str(text_of(token or False))


_JUDGES: Mapping[str, Callable[[FieldRules], Judge]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "money": _money,
    "boolean": _boolean,
    "object": _object,
}
