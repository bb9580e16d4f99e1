"""What the value of an expression may be: of which type, and between which bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from contracts.errors import DaybookError
from contracts.model import EARLIEST_TIME_MS, LATEST_TIME_MS, MAX_MONEY_USD, NANO
from contracts.types import LENGTHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Field, Stream
    from contracts.types import FieldType

LEAST, GREATEST = -(2**63), 2**63 - 1
"""Engines compute integers in 64 bits; one that is outgrown is an error in DuckDB and wraps in Flink."""
ValueType = Literal["text", "condition", "money", "whole", "fraction"]
"""Money is a number of billionths of a dollar, a time one of milliseconds."""
_OF_FIELD: Mapping[FieldType, ValueType] = {
    **dict.fromkeys(LENGTHS, "text"), "object": "text", "boolean": "condition", "money": "money", "number": "fraction", "integer": "whole", "time": "whole",
}  # fmt: skip


class MixedTypesError(DaybookError):
    """An expression takes values of different types together; the message names it."""


def type_of(node: exp.Expression, stream: Stream) -> ValueType | None:
    """Type of an expression, None for NULL and for 0, which go with money and with other numbers.

    Raises:
        MixedTypesError: it, or a part of it, takes together what does not mean the same in all engines, or to people.
    """
    match node:
        case exp.Column():
            return _OF_FIELD[stream.fields[node.name].type]
        case exp.Literal():
            return "text" if node.is_string else None if node.name == "0" else "whole" if node.name.isdecimal() else "fraction"
        case exp.Not() | exp.And() | exp.Or():
            _must_be_conditions(node, stream)
            return "condition"
        case exp.Predicate():
            _type_in_common(node, list(node.iter_expressions()), stream)
            return "condition"
        case exp.Boolean():
            return "condition"
        case exp.Mul():
            return _type_of_product(node, stream)
        case exp.Add() | exp.Sub() | exp.Neg():
            return _type_in_common(node, list(node.iter_expressions()), stream)
        case exp.Case():
            _must_be_conditions(node, stream)
            return _type_in_common(node, _results(node), stream)
        case exp.Paren() | exp.Coalesce():
            return _type_in_common(node, _results(node), stream)
        case _:
            return None


def _must_be_conditions(node: exp.Expression, stream: Stream) -> None:
    parts = [branch.this for branch in node.args["ifs"]] if isinstance(node, exp.Case) else list(node.iter_expressions())
    if isinstance(node, exp.Case) and node.this:
        message = f"'{node.sql(comments=False)}' compares by itself; write CASE WHEN with conditions"
        raise MixedTypesError(message)
    for part in parts:
        if type_of(part, stream) not in {"condition", None}:
            message = f"'{part.sql(comments=False)}' is no condition"
            raise MixedTypesError(message)


def _type_in_common(node: exp.Expression, parts: list[exp.Expression], stream: Stream) -> ValueType | None:
    found = {told for part in parts if (told := type_of(part, stream))}
    if found == {"whole", "fraction"}:
        return "fraction"
    if len(found) > 1:
        message = f"'{node.sql(comments=False)}' takes {' and '.join(sorted(found))} together"
        raise MixedTypesError(message)
    return next(iter(found), None)


def _type_of_product(node: exp.Mul, stream: Stream) -> ValueType | None:
    left, right = type_of(node.left, stream), type_of(node.right, stream)
    if {left, right} == {"money", "whole"}:
        return "money"
    if left == right == "money":
        message = f"'{node.sql(comments=False)}' is money times money"
        raise MixedTypesError(message)
    return _type_in_common(node, [node.left, node.right], stream)


def outgrown(node: exp.Expression, stream: Stream) -> str | None:
    """The first part of an expression whose value may leave 64 bits, None when there is none."""
    for part in node.find_all(exp.Add, exp.Sub, exp.Mul, exp.Neg, bfs=False):
        low, high = _bounds(part, stream)
        if low < LEAST or high > GREATEST:
            return str(part.sql(comments=False))
    return None


def _bounds(node: exp.Expression, stream: Stream) -> tuple[int, int]:
    match node:
        case exp.Column():
            return _bounds_of(stream.fields[node.name])
        case exp.Literal(is_string=False) if node.name.isdecimal():
            return int(node.name), int(node.name)
        case exp.Neg():
            low, high = _bounds(node.this, stream)
            return -high, -low
        case exp.Add() | exp.Sub() | exp.Mul():
            return _computed(node, _bounds(node.left, stream), _bounds(node.right, stream))
        case exp.Paren() | exp.Coalesce() | exp.If() | exp.Case():
            found = [_bounds(result, stream) for result in _results(node)]
            return min((low for low, _ in found), default=0), max((high for _, high in found), default=0)
        case _:
            return 0, 1


def _computed(node: exp.Expression, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    match node:
        case exp.Add():
            return left[0] + right[0], left[1] + right[1]
        case exp.Sub():
            return left[0] - right[1], left[1] - right[0]
        case _:
            products = [one * other for one in left for other in right]
            return min(products), max(products)


def _bounds_of(field: Field) -> tuple[int, int]:
    match field.type:
        case "time":
            return EARLIEST_TIME_MS, LATEST_TIME_MS
        case "money":
            return 0, MAX_MONEY_USD * NANO
        case _:
            return LEAST if field.min is None else field.min, GREATEST if field.max is None else field.max


def _results(node: exp.Expression) -> list[exp.Expression]:
    """The expressions of which one is the value of a choice."""
    match node:
        case exp.Case():
            return [each for branch in node.args["ifs"] for each in _results(branch)] + ([default] if (default := node.args.get("default")) else [])
        case exp.If():
            return [node.args["true"]]
        case exp.Coalesce():
            return [node.this, *node.expressions]
        case _:
            return [node.this]
