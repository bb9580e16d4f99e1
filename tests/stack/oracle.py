"""What readers must see, computed from the decoded events by hand: nothing here comes from definitions or the compiler."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = ("tenant_id", "region", "environment")
TYPE, LEAF = pl.col("event_type"), pl.col("is_leaf")
COMPLETED, FAILED = TYPE == "model.completed", TYPE == "model.failed"
RANKS = {"run.created": 1, "run.started": 2, "run.succeeded": 3, "run.cancelled": 4, "run.timed_out": 5, "run.failed": 6}
"""Lifecycle events and which of two in the same millisecond tells the status."""
ENDS = ("run.succeeded", "run.failed", "run.cancelled", "run.timed_out")
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
GRAINS = {"": 60_000, "_hourly": 3_600_000, "_daily": 86_400_000}
"""Suffix of a KPI's view -> length of its period in ms."""
FACTS = {
    "run_events": ("runs", TYPE.str.starts_with("run.")),
    "steps": ("runs", TYPE.str.starts_with("step.")),
    "execution_commands": ("runs", TYPE.str.starts_with("execution.")),
    "model_calls": ("model_calls", LEAF & (COMPLETED | FAILED)),
    "model_switches": ("model_calls", TYPE == "model.switched"),
}
"""Fact -> stream and which of its events belong to it."""


@dataclass(frozen=True)
class Sums:
    """A KPI of sums: its stream, whose rows count, its own dimensions, its values by name."""

    stream: str
    where: pl.Expr
    dimensions: tuple[str, ...]
    values: Mapping[str, pl.Expr]

    @property
    def is_ratio(self) -> bool:
        return "denominator" in self.values


@dataclass(frozen=True)
class Percentiles:
    """A KPI of percentiles: its stream, whose rows count, its own dimensions, the value."""

    stream: str
    where: pl.Expr
    dimensions: tuple[str, ...]
    value: pl.Expr


def _ratio(numerator: pl.Expr, denominator: pl.Expr) -> dict[str, pl.Expr]:
    return {"numerator": numerator.sum(), "denominator": denominator.sum()}


MODEL = ("provider", "request_model")
SUMS = {
    "cache_hit_ratio": Sums("model_calls", LEAF, MODEL, _ratio(pl.col("cache_read_tokens"), pl.col("input_tokens"))),
    "model_cost": Sums("model_calls", LEAF, (*MODEL, "agent_id", "process_id"), {"value": pl.col("cost_usd").sum()}),
    "model_error_rate": Sums("model_calls", LEAF & (COMPLETED | FAILED), MODEL, _ratio(FAILED, COMPLETED | FAILED)),
    "rate_limited_share": Sums("model_calls", LEAF, MODEL, _ratio(pl.col("http_status").is_in([429, 529]), COMPLETED | FAILED)),
    "run_success_rate": Sums(
        "runs",
        TYPE.is_in(["run.succeeded", "run.failed", "run.timed_out"]),
        ("run_kind", "process_id", "process_version", "workflow_id", "agent_id"),
        _ratio(TYPE == "run.succeeded", TYPE.is_not_null()),
    ),
    "runs_started": Sums("runs", TYPE == "run.started", ("run_kind", "process_id"), {"value": TYPE.len()}),
    "step_failure_rate": Sums(
        "runs", TYPE.is_in(["step.completed", "step.failed"]), ("task_id", "book", "procedure"), _ratio(TYPE == "step.failed", TYPE.is_not_null())
    ),
    "tokens": Sums("model_calls", LEAF, (*MODEL, "agent_id"), {name: pl.col(name).sum() for name in TOKENS}),
}
PERCENTILES = {
    "model_latency": Percentiles("model_calls", LEAF & COMPLETED, MODEL, pl.col("duration_ms")),
    "time_to_first_token": Percentiles("model_calls", LEAF & COMPLETED, MODEL, pl.col("time_to_first_token_ms")),
    "run_duration": Percentiles("runs", TYPE.is_in(ENDS), ("run_kind", "process_id"), pl.col("event_time") - pl.col("started_at")),
    "run_queue_wait": Percentiles("runs", TYPE == "run.started", ("queue",), pl.col("started_at") - pl.col("created_at")),
}


def sums(kpi: Sums, events: pl.DataFrame, grain: int) -> pl.DataFrame:
    """Rows of a KPI's view: period (epoch ms), dimensions, values."""
    return _grouped(kpi, events, grain).agg(**kpi.values)


def percentiles(kpi: Percentiles, events: pl.DataFrame, grain: int) -> pl.DataFrame:
    """Rows of a KPI's view: period, dimensions, number of values, exact nearest-rank percentiles."""
    values = events.with_columns(kpi.value.alias("value")).filter(pl.col("value").is_not_null())
    ranks = {f"p{rank}": pl.col("value").sort().get((pl.len() * rank + 99) // 100 - 1) for rank in (50, 95, 99)}
    return _grouped(kpi, values, grain).agg(n=pl.len(), **ranks)


def runs(events: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Rows of `serving.runs` in which runs of the last day are."""
    rank = TYPE.replace_strict(RANKS, default=None, return_dtype=pl.Int64)
    told = (
        events.with_columns(rank=rank)
        .sort("event_time", "rank")
        .group_by("tenant_id", "run_id")
        .agg(
            created_at=pl.col("created_at").min(),
            started_at=pl.min_horizontal(
                pl.col("started_at").filter(TYPE.str.starts_with("run.")).min(), pl.col("event_time").filter(TYPE == "run.started").min()
            ),
            finished_at=pl.col("event_time").filter(TYPE.is_in(ENDS)).max(),
            last_event_at=pl.col("event_time").max(),
            status=TYPE.filter(pl.col("rank").is_not_null()).last(),
            attempts=pl.col("attempt").filter(TYPE.str.starts_with("run.")).max(),
            steps=TYPE.is_in(["step.completed", "step.failed"]).sum(),
            failed_steps=(TYPE == "step.failed").sum(),
            **{name: pl.col(name).max() for name in ("run_kind", "process_id", "process_version", "workflow_id", "agent_id")},
        )
    )
    called = (
        calls.filter(pl.col("run_id").is_not_null())
        .group_by("tenant_id", "run_id")
        .agg(
            last_call_at=pl.col("event_time").max(),
            model_calls=(LEAF & (COMPLETED | FAILED)).sum(),
            failed_model_calls=(LEAF & FAILED).sum(),
            **{name: pl.col(name).filter(LEAF).sum() for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cost_usd")},
        )
    )
    both = told.join(called, on=["tenant_id", "run_id"], how="full", coalesce=True)
    shown = pl.when(pl.col("status").is_in(ENDS)).then(pl.col("status").str.slice(4)).when(pl.col("status") == "run.created").then(pl.lit("created"))
    numbers = pl.col("steps", "failed_steps", "model_calls", "failed_model_calls", "input_tokens", "output_tokens", "cache_read_tokens", "cost_usd")
    return both.with_columns(
        shown.otherwise(pl.lit("running")).alias("status"), pl.max_horizontal("last_event_at", "last_call_at").alias("last_event_at"), numbers.fill_null(0)
    ).drop("last_call_at")


def is_close(found: float | None, exact: float) -> bool:
    """Within one percent; values below one count as zero."""
    return found is not None and math.isclose(found, max(exact, 0), rel_tol=0.01)


def _grouped(kpi: Sums | Percentiles, events: pl.DataFrame, grain: int) -> pl.dataframe.group_by.GroupBy:
    period = (pl.col("event_time") - pl.col("event_time") % grain).alias("period_start")
    return events.filter(kpi.where).group_by(period, *BASE, *kpi.dimensions)
