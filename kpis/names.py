"""Column names of measures: a name follows from the expression, and two expressions never have the same one.

Names of fields, whole numbers and plain words are joined by the words of the operators. What that cannot spell without
doubt (brackets, capitals, quotes, a field that contains such a word) and what is too long ends in a hash of the expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from contracts.errors import DaybookError
from kpis.expressions import fingerprint

if TYPE_CHECKING:
    from kpis.model import Measure

MAX_LENGTH = 60
_READABLE = 40
_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_BINARY: dict[type[exp.Expression], str] = {
    exp.EQ: "eq", exp.NEQ: "ne", exp.GT: "gt", exp.GTE: "gte", exp.LT: "lt", exp.LTE: "lte", exp.Add: "plus", exp.Sub: "minus", exp.Mul: "times",
    exp.And: "and", exp.Or: "or",
}  # fmt: skip
_WORDS = frozenset({*_BINARY.values(), "in", "is", "null", "not", "true", "false", "text", "if", "hash"})


class _UnspellableError(DaybookError):
    """The expression has no spelling that could be read back."""


def column_of(measure: Measure) -> str:
    """The column that a measure is stored in; a plain count is `n`.

    >>> from kpis.model import Measure
    >>> column_of(Measure(kind="count", where="http_status IN (429, 529)"))
    'count_http_status_in_429_529'
    >>> column_of(Measure(kind="sum", value="input_tokens", where="attempt > 1"))
    'sum_input_tokens_if_attempt_gt_1'
    """
    value, where = measure.value, measure.where
    if measure.kind == "count" and where is None:
        return "n"
    if measure.rank:
        return _hashed(measure)
    try:
        parts = [measure.kind, _spelled(value.tree)] if value else [measure.kind]
        parts += (["if"] if value else []) + [_spelled(where.tree)] if where else []
    except _UnspellableError:
        return _hashed(measure)
    name = "_".join(parts)
    return name if len(name) <= MAX_LENGTH else _hashed(measure)


def meaning_of(measure: Measure) -> str:
    """Everything that decides what a measure's column holds, as one text."""
    ranks = ", ".join(f"{value} = {rank}" for value, rank in sorted(measure.rank.items()))
    parts = {"of": measure.value and measure.value.text, "where": measure.where and measure.where.text, "ranked": ranks}
    return " ".join([measure.kind, *(f"{word} {text}" for word, text in parts.items() if text)])


def _hashed(measure: Measure) -> str:
    meaning = meaning_of(measure)
    readable = re.sub(r"[^a-z0-9]+", "_", meaning.lower())[:_READABLE].strip("_")
    return f"{readable}_hash_{fingerprint(meaning)}"


def _spelled(node: exp.Expression) -> str:
    match node:
        case exp.Column():
            return _plain(node.name)
        case exp.Literal(is_string=True):
            return f"text_{_plain(node.name)}"
        case exp.Literal():
            return _integer(node.name)
        case exp.Boolean():
            return "true" if node.this else "false"
        case exp.Not():
            return f"not_{_spelled(node.this)}"
        case exp.Neg():
            return f"minus_{_spelled(node.this)}"
        case exp.Is(expression=exp.Null()):
            return f"{_spelled(node.this)}_is_null"
        case exp.In():
            return f"{_spelled(node.this)}_in_{_joined(node.expressions)}"
        case exp.Binary() if type(node) in _BINARY:
            return f"{_spelled(node.left)}_{_BINARY[type(node)]}_{_spelled(node.right)}"
        case _:
            raise _UnspellableError


def _joined(items: list[exp.Expression]) -> str:
    """Items stand without a mark between them: columns, or texts and numbers mixed, could not be told apart."""
    kinds = {(isinstance(item, exp.Literal), item.is_string) for item in items}
    if kinds not in ({(True, True)}, {(True, False)}):
        raise _UnspellableError
    return "_".join(_spelled(item) for item in items)


def _plain(name: str) -> str:
    if not _WORD.fullmatch(name) or _WORDS & set(name.split("_")):
        raise _UnspellableError
    return name


def _integer(digits: str) -> str:
    if not digits.isdecimal():
        raise _UnspellableError
    return digits
