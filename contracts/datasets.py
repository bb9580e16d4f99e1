"""Tables that no event and no KPI implies, as values, and what the code calls them; `datasets/` says what is in them.

A file is named `<schema>.<table>.yaml`. One with `per: stream` is a template: every stream has such a table of its own.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from contracts.types import StoredType

QUARANTINE = "ops.quarantine"
COMPLETENESS = "ops.completeness"
RECONCILIATION = "ops.reconciliation"
AUDITS = "ops.audits"
INCIDENTS = "ops.incidents"
QUALITY_RESULTS = "ops.quality_results"
DATASET_STATUS = "ops.dataset_status"
DEPLOYMENTS = "ops.deployments"
DEPLOYED_SOURCES = "ops.deployed_sources"
DUPLICATES = "audit.duplicates"
"""Template; see `duplicates_of`."""
KNOWN = (QUARANTINE, COMPLETENESS, RECONCILIATION, AUDITS, INCIDENTS, QUALITY_RESULTS, DATASET_STATUS, DEPLOYMENTS, DEPLOYED_SOURCES, DUPLICATES)
"""What the code reads or writes by name: each must have a file."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetColumn(_Frozen):
    """One column: its stored type, whether every row has it, and its meaning."""

    name: str
    type: StoredType
    description: str
    required: bool = False


class Partition(_Frozen):
    """How the rows of a table are put into files: by the value, hour or day of one column."""

    column: str
    by: Literal["identity", "hour", "day"]


class Dataset(_Frozen):
    """One table, or one table per stream.

    `writer` is the only job that writes it; `tagged`: readers see it at the tag `audited`; `statistics`: columns that are pruned by.
    """

    name: str
    description: str
    owner: str
    writer: Literal["audit", "deployment"]
    tagged: bool
    per: Literal["stream"] | None = None
    partition: Partition | None = None
    statistics: tuple[str, ...] = ()
    columns: dict[str, DatasetColumn]

    @model_validator(mode="after")
    def _columns_must_exist(self) -> Dataset:
        partition = {"partition": self.partition.column} if self.partition else {}
        for where, name in [*partition.items(), *(("statistics", name) for name in self.statistics)]:
            if name not in self.columns:
                message = f"{where}: '{name}' is not a column"
                raise ValueError(message)
        return self


def journal_of(stream: str) -> str:
    """The table in which Flink journals a stream."""
    return f"journal.{stream}"


def partial_of(name: str) -> str:
    """The table to which Flink appends the partials called `name`; all streams share it."""
    return f"partials.{name}"


def audit_of(name: str) -> str:
    """The table of adjustment, replacement, supplement and held rows for the partials called `name`."""
    return f"audit.{name}"


def duplicates_of(stream: str) -> str:
    """The table of a stream's repeats.

    Each stream has its own: a query resolves a table once, so that one over facts of two streams would show new rows of the second
    with the repeats known when it resolved the first.
    """
    return f"{DUPLICATES}_{stream}"
