"""KPI and entity definitions as values, with their mergeable measures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Setting

from kpis.expressions import Expression, all_of, parse

MeasureKind = Literal["count", "sum", "min", "max", "latest", "histogram", "presence"]
MEASURE_KINDS: tuple[MeasureKind, ...] = ("count", "sum", "min", "max", "latest", "histogram", "presence")
BASE_DIMENSIONS = ("tenant_id", "region", "environment")

LARGEST_RANK = 15
"""Ranks share a number with the time, which is taken times 16."""


def _as_expression(text: object) -> object:
    return parse(text) if isinstance(text, str) else text


Parsed = Annotated[Expression, BeforeValidator(_as_expression)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Measure(_Frozen):
    """Something mergeable: a kind, the expression it is taken of and the condition a row must meet.

    The latest value is that of the greatest (event time, value); with `rank`, which gives each value that counts its rank, that
    of the greatest (event time, rank).
    """

    kind: MeasureKind
    value: Parsed | None = None
    where: Parsed | None = None
    rank: dict[str, int] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, source: Any) -> Any:
        """`{sum: cost_usd, where: is_leaf}` is short for kind, value and where; a count's expression is its condition."""
        if not isinstance(source, dict):
            return source
        kinds = [kind for kind in MEASURE_KINDS if kind in source]
        if not kinds:
            return source
        if len(kinds) > 1:
            message = f"must be one measure, not {' and '.join(kinds)}"
            raise ValueError(message)
        rest = {key: text for key, text in source.items() if key != kinds[0]}
        if kinds[0] == "count":
            return {"kind": "count", **rest, "where": all_of(*(parse(str(text)) for text in (rest.get("where"), source["count"]) if text))}
        return {"kind": kinds[0], "value": source[kinds[0]], **rest}

    @model_validator(mode="after")
    def _value_must_fit_the_kind(self) -> Measure:
        if (self.kind == "count") != (self.value is None):
            message = "a count has a condition, not a value" if self.value else f"a {self.kind} needs an expression"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _ranks_must_be_distinct(self) -> Measure:
        if self.rank and self.kind != "latest":
            message = f"rank: has no meaning for a {self.kind}"
            raise ValueError(message)
        if len(set(self.rank.values())) < len(self.rank) or not all(1 <= rank <= LARGEST_RANK for rank in self.rank.values()):
            message = f"rank: ranks must be different numbers from 1 to {LARGEST_RANK}"
            raise ValueError(message)
        return self

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that it reads."""
        return frozenset[str]().union(*(expression.columns for expression in (self.value, self.where) if expression))


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
    where: Parsed | None = None
    dimensions: tuple[str, ...] = ()
    measures: dict[str, Measure]

    @model_validator(mode="before")
    @classmethod
    def _gather_measures(cls, source: dict[str, object]) -> dict[str, object]:
        """Read `count`, `sums`, `numerator` and the like into `measures`, each narrowed by the KPI's own condition."""
        rest = dict(source)
        ways = [key for key in ("measures", "sums", "numerator", *MEASURE_KINDS) if key in rest]
        if len(ways) > 1:
            message = f"has {' and '.join(ways)}, of which only one can be meant"
            raise ValueError(message)
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
        return measure.model_copy(update={"where": all_of(self.where, measure.where)})


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
                if measure.rank != self.rank_of(name):
                    message = f"streams.{stream}.{name}: must be ranked as in the other streams"
                    raise ValueError(message)
                if measure.kind == "latest" and self.columns[name].type != "string":
                    message = f"streams.{stream}.{name}: only a column of type string has a latest value"
                    raise ValueError(message)
        for name in self.columns:
            if not self.measures_of(name):
                message = f"columns.{name}: no stream tells it"
                raise ValueError(message)
        return self

    def kind_of(self, column: str) -> MeasureKind:
        """Which fold the column has; every stream contributes with the same one."""
        return self.measures_of(column)[0].kind

    def rank_of(self, column: str) -> dict[str, int]:
        """The ranks of a column's values; none unless it is the latest one by rank."""
        return self.measures_of(column)[0].rank

    def measures_of(self, column: str) -> tuple[Measure, ...]:
        """What each stream that tells about a column contributes to it."""
        return tuple(measures[column] for measures in self.streams.values() if column in measures)
