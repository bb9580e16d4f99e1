"""Expressions of definitions: parsed once, checked once, written for each engine from the tree."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import Literal

import sqlglot
from sqlglot import exp, generator, tokens
from sqlglot.dialects.dialect import Dialect

from contracts.identifiers import RESERVED

Engine = Literal["flink", "duckdb", "trino"]

_ALLOWED = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE,
    exp.LT, exp.LTE, exp.In, exp.Is, exp.Like, exp.Between, exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Coalesce, exp.Case, exp.If,
)  # fmt: skip


class Flink(Dialect):  # type: ignore[misc]
    """What of Flink's SQL differs from the standard in expressions."""

    class Tokenizer(tokens.Tokenizer):  # type: ignore[misc]
        """Names are quoted by backticks."""

        IDENTIFIERS = ("`",)

    class Generator(generator.Generator):  # type: ignore[misc]
        """The remainder is a function, text is STRING."""

        TRANSFORMS = {**generator.Generator.TRANSFORMS, exp.Mod: lambda self, node: self.func("MOD", node.this, node.expression)}  # noqa: RUF012
        TYPE_MAPPING = {**generator.Generator.TYPE_MAPPING, exp.DataType.Type.TEXT: "STRING"}  # noqa: RUF012


@dataclass(frozen=True)
class Expression:
    """A parsed expression over the fields of a stream; two are equal when their normal text is."""

    text: str
    tree: exp.Expression = field(compare=False, repr=False)

    @functools.cached_property
    def columns(self) -> frozenset[str]:
        """Names of the columns that it reads."""
        return frozenset(column.name for column in self.tree.find_all(exp.Column))

    @functools.cached_property
    def conjuncts(self) -> tuple[Expression, ...]:
        """The parts of a condition that must all hold."""
        tree = self.tree.unnest()
        return tuple(part for side in (tree.left, tree.right) for part in of(side).conjuncts) if isinstance(tree, exp.And) else (of(tree),)

    @functools.cached_property
    def needed(self) -> frozenset[str]:
        """Names of the columns without a value of which it has none either; as a condition, it does not hold then.

        >>> sorted(parse("a > 1 AND b IS NOT NULL AND COALESCE(c, d) = 2").needed)
        ['a', 'b']
        """
        parts = [_known(part.tree) for part in self.conjuncts]
        return frozenset(column.name for part in parts if not any(map(_takes_null, part.walk())) for column in part.find_all(exp.Column))

    def values_of(self, column: str) -> frozenset[str] | None:
        """The text values of a column without which the condition cannot hold; None when it does not say.

        >>> sorted(parse("is_leaf AND event_type IN ('a', 'b')").values_of("event_type"))
        ['a', 'b']
        """
        found = [named for part in self.conjuncts if (named := _named_values(part.tree, column)) is not None]
        return frozenset.intersection(*found) if found else None

    def sql(self, engine: Engine) -> str:
        """The expression as an engine writes it."""
        tree = self.tree.copy()
        for identifier in tree.find_all(exp.Identifier):
            identifier.set("quoted", identifier.name in RESERVED)
        return str(tree.sql(Flink if engine == "flink" else engine, comments=False))


def parse(text: str) -> Expression:
    """Read an expression of a definition.

    Raises:
        ValueError: it is not an expression, or it uses something that the engines do not compute alike (division,
            functions other than COALESCE, IS TRUE, which Trino has not).
    """
    try:
        tree = sqlglot.parse_one(text)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        message = f"'{text[:80]}' is not an expression"
        raise ValueError(message) from error
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            message = f"'{text}': {type(node).__name__} is not allowed in a definition"
            raise ValueError(message)  # noqa: TRY004 - the value is wrong, not its type
        if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
            message = f"'{node.sql(comments=False)}': only IS NULL is allowed in a definition"
            raise ValueError(message)  # noqa: TRY004 - the value is wrong, not its type
    return of(tree)


def of(tree: exp.Expression) -> Expression:
    """A tree as an expression."""
    return Expression(str(tree.sql(comments=False)), tree)


def fill(template: str, **parts: Expression | None) -> Expression:
    """SQL in which expressions stand in for the columns of their names.

    >>> fill("SUM(amount * 2)", amount=parse("a + b")).sql("duckdb")
    'SUM((a + b) * 2)'
    """
    root = exp.Paren(this=_template(template).copy())
    for column in list(root.find_all(exp.Column)):
        part = parts.get(column.name)
        if part is not None:
            needs_brackets = isinstance(column.parent, (exp.Binary, exp.Unary)) and column.parent is not root
            column.replace(_bracketed(part.tree) if needs_brackets else part.tree.copy())
    return of(root.this)


def all_of(*conditions: Expression | None) -> Expression | None:
    """Conjunction of conditions of which any may be absent."""
    parts = [_bracketed(part.tree) for condition in conditions if condition for part in condition.conjuncts]
    return of(functools.reduce(lambda left, right: exp.And(this=left, expression=right), parts)) if parts else None


def fingerprint(*texts: str) -> str:
    """Eight hexadecimal digits that change whenever one of the texts does."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]


@functools.cache
def _template(template: str) -> exp.Expression:
    return sqlglot.parse_one(template)


def _bracketed(tree: exp.Expression) -> exp.Expression:
    is_compound = isinstance(tree, (exp.Or, exp.Add, exp.Sub, exp.Mul, exp.Neg))
    return exp.Paren(this=tree.copy()) if is_compound else tree.copy()


def _known(tree: exp.Expression) -> exp.Expression:
    """What a condition says is not NULL, else the condition itself."""
    told = tree.this if isinstance(tree, exp.Not) else None
    return told.this if isinstance(told, exp.Is) and isinstance(told.expression, exp.Null) else tree


def _takes_null(node: exp.Expression) -> bool:
    """True of what may have a value, or not hold when it is denied, though a part of it is NULL."""
    if isinstance(node, (exp.In, exp.Between)):
        return any(part.find(exp.Column) for part in node.iter_expressions() if part is not node.this)
    return isinstance(node, (exp.Is, exp.Coalesce, exp.Case, exp.If, exp.And, exp.Or))


def _named_values(tree: exp.Expression, column: str) -> frozenset[str] | None:
    if not isinstance(tree, (exp.EQ, exp.In)) or not isinstance(tree.this, exp.Column) or tree.this.name != column:
        return None
    items = tree.expressions if isinstance(tree, exp.In) else [tree.expression]
    return frozenset(item.name for item in items) if items and all(isinstance(item, exp.Literal) for item in items) else None
