"""KPI and entity definitions as values, with their mergeable measures."""

from __future__ import annotations

import re
from typing import Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Setting
from sqlglot import exp

MeasureKind = Literal["count", "sum", "min", "max", "latest", "histogram", "presence"]
MEASURE_KINDS: tuple[MeasureKind, ...] = ("count", "sum", "min", "max", "latest", "histogram", "presence")
BASE_DIMENSIONS = ("tenant_id", "region", "environment")

_ALLOWED = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT,
    exp.GTE, exp.LT, exp.LTE, exp.In, exp.Is, exp.Like, exp.Between, exp.Add, exp.Sub, exp.Mul, exp.Coalesce, exp.Case, exp.If,
)  # fmt: skip


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measure(_Frozen):
    """Something mergeable: a kind, the expression it is taken of and the condition a row must meet."""

    kind: MeasureKind
    value: str | None = None
    where: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, source: dict[str, str]) -> dict[str, str]:
        """`{sum: cost_usd, where: is_leaf}` is short for kind, value and where; a count's expression is its condition."""
        kinds = [kind for kind in MEASURE_KINDS if kind in source]
        if not kinds:
            return source
        if len(kinds) > 1:
            message = f"must be one measure, not {' and '.join(kinds)}"
            raise ValueError(message)
        rest = {key: text for key, text in source.items() if key != kinds[0]}
        if kinds[0] == "count":
            return {"kind": "count", **rest, "where": both(rest.get("where"), source["count"]) or ""}
        return {"kind": kinds[0], "value": source[kinds[0]], **rest}

    @model_validator(mode="after")
    def _expressions_must_be_portable(self) -> Measure:
        for expression in (self.value, self.where):
            if expression:
                columns(expression)
        return self


class Kpi(_Frozen):
    """One KPI: where its meaning is written, and nowhere else."""

    name: str = Setting(alias="kpi")
    title: str
    description: str
    owner: str
    unit: Literal["runs", "tokens", "USD", "ms", "ratio"]
    better: Literal["higher", "lower", "neutral"]
    stream: str
    computed: Literal["stream", "facts"] = "stream"
    where: str | None = None
    dimensions: tuple[str, ...] = ()
    measures: dict[str, Measure]

    @model_validator(mode="before")
    @classmethod
    def _gather_measures(cls, source: dict[str, object]) -> dict[str, object]:
        """Read `count`, `sums`, `numerator` and the like into `measures`, each narrowed by the KPI's own condition."""
        rest = dict(source)
        short: dict[str, object] = {}
        for kind in MEASURE_KINDS:
            if kind in rest:
                short["value"] = {kind: rest.pop(kind)}
        for part in ("numerator", "denominator"):
            if part in rest:
                short[part] = rest.pop(part)
        sums = rest.pop("sums", ())
        if isinstance(sums, (list, tuple)):
            short |= {str(name): {"sum": name} for name in sums}
        if short:
            rest["measures"] = short
        return rest

    @model_validator(mode="after")
    def _shape_must_be_known(self) -> Kpi:
        if {"numerator", "denominator"} & set(self.measures) and set(self.measures) != {"numerator", "denominator"}:
            message = "a ratio has exactly a numerator and a denominator"
            raise ValueError(message)
        if not self.measures:
            message = "measures: at least one is needed"
            raise ValueError(message)
        return self

    @property
    def is_ratio(self) -> bool:
        """True when the value is the numerator over the denominator."""
        return "numerator" in self.measures

    @property
    def histogram(self) -> Measure | None:
        """The histogram measure of a percentile KPI, narrowed by the KPI's condition."""
        found = [measure for measure in self.measures.values() if measure.kind == "histogram"]
        return self.narrowed(found[0]) if found else None

    def narrowed(self, measure: Measure) -> Measure:
        """The measure with the KPI's own condition added."""
        return measure.model_copy(update={"where": both(self.where, measure.where)})


class EntityColumn(_Frozen):
    """One column of an entity; `shown` is what readers see of it, in Trino SQL over the folded columns."""

    type: Literal["time", "string", "integer", "money"]
    description: str
    shown: str | None = None


class Entity(_Frozen):
    """An entity that accumulates: its key, its columns and what each stream contributes to them."""

    name: str = Setting(alias="entity")
    title: str
    description: str
    owner: str
    key: str
    freshness_seconds: int
    columns: dict[str, EntityColumn]
    streams: dict[str, dict[str, Measure]]

    @model_validator(mode="after")
    def _contributions_must_fit(self) -> Entity:
        for stream, measures in self.streams.items():
            for name, measure in measures.items():
                if name not in self.columns:
                    message = f"streams.{stream}: '{name}' is not a column"
                    raise ValueError(message)
                if measure.kind != self.kind_of(name):
                    message = f"streams.{stream}.{name}: must be a {self.kind_of(name)} as in the other streams"
                    raise ValueError(message)
        return self

    def kind_of(self, column: str) -> MeasureKind:
        """Which fold the column has; every stream contributes with the same one."""
        return next(measures[column].kind for measures in self.streams.values() if column in measures)


def columns(expression: str) -> frozenset[str]:
    """Names of the columns an expression reads.

    Raises:
        ValueError: it is not an expression, or it uses something that the engines do not compute alike (division,
            functions other than COALESCE).
    """
    try:
        tree = sqlglot.parse_one(expression)
    except sqlglot.ParseError as error:
        message = f"'{expression}' is not an expression"
        raise ValueError(message) from error
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            message = f"'{expression}': {type(node).__name__} is not allowed in a definition"
            raise ValueError(message)  # noqa: TRY004 - the value is wrong, not its type
    return frozenset(column.name for column in tree.find_all(exp.Column))


def named_values(column: str, expression: str) -> frozenset[str]:
    """Text values that an expression compares a column with by `=` or `IN`.

    >>> sorted(named_values("event_type", "is_leaf AND event_type IN ('a', 'b')"))
    ['a', 'b']
    """
    comparisons = sqlglot.parse_one(expression).find_all(exp.EQ, exp.In)
    about = [node for node in comparisons if isinstance(node.this, exp.Column) and node.this.name == column]
    return frozenset(literal.name for node in about for literal in node.find_all(exp.Literal))


def conjuncts(condition: str | None) -> tuple[str, ...]:
    """The parts of a condition that must all hold, each so that it can be joined to others by AND."""
    if not condition:
        return ()
    tree = sqlglot.parse_one(condition)
    parts = tree.flatten(unnest=False) if isinstance(tree, exp.And) else (tree,)
    return tuple(f"({part.sql()})" if isinstance(part, exp.Or) else part.sql() for part in parts)


def both(first: str | None, second: str | None) -> str | None:
    """Conjunction of two conditions of which either may be absent."""
    if not first or not second:
        return first or second
    return f"{_bracketed(first)} AND {_bracketed(second)}"


def slug(expression: str) -> str:
    """An expression as a column name.

    >>> slug("http_status IN (429, 529)")
    'http_status_in_429_529'
    """
    return re.sub(r"[^a-z0-9]+", "_", expression.lower()).strip("_")


def _bracketed(condition: str) -> str:
    return f"({condition})" if re.search(r"\bOR\b", condition) else condition
