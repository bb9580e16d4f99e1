"""What the value of an expression may be: text or a number, and between which bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from contracts.model import EARLIEST_TIME_MS, LATEST_TIME_MS, MAX_MONEY_USD, NANO

if TYPE_CHECKING:
    from contracts.model import Field, Stream

LEAST, GREATEST = -(2**63), 2**63 - 1
"""Engines compute integers in 64 bits; one that is outgrown is an error in DuckDB and wraps in Flink."""
_TEXT = frozenset({"string", "object"})


def is_text(node: exp.Expression, stream: Stream) -> bool:
    """True of an expression whose value is text."""
    match node:
        case exp.Column():
            return stream.fields[node.name].type in _TEXT
        case exp.Literal():
            return bool(node.is_string)
        case exp.Paren() | exp.Coalesce() | exp.If() | exp.Case():
            return any(is_text(result, stream) for result in _results(node))
        case _:
            return False


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
