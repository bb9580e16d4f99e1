"""Every generated statement by the name of its golden file: one per definition and engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts import registry as contract_registry
from kpis import registry as kpi_registry
from kpis.partials import plan
from kpis.sql import flink
from kpis.sql.duckdb import recompute_query
from kpis.sql.trino import GRAINS
from pipelines.deployment.views import all_views
from pipelines.intake.statements import LANE
from transforms import gate, journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kpis.sql.trino import View

CONTRACTS = contract_registry.load()
DEFINITIONS = kpi_registry.load(CONTRACTS)
PLAN = plan(CONTRACTS, DEFINITIONS)


def gates() -> Mapping[str, str]:
    """Flink: the source and the gate of each stream."""
    options = {"connector": "kafka"}
    return {f"flink_gate_{stream.name}": _script(gate.source_ddl(stream, options), gate.gate_ddl(stream)) for stream in CONTRACTS.streams.values()}


def journals() -> Mapping[str, str]:
    """Flink: the rows of each journal. DuckDB: how they are read back."""
    streams = CONTRACTS.streams.values()
    written = {f"flink_journal_{stream.name}": _script(journal.insert_select(stream)) for stream in streams}
    return written | {f"duckdb_journal_{stream.name}": _script(journal.normal_form(stream, f"journal_{stream.name}")) for stream in streams}


def partials() -> Mapping[str, str]:
    """Flink: the rows of each partial table."""
    relations = {stream.name: gate.gate_name(stream) for stream in CONTRACTS.streams.values()}
    return {f"flink_partials_{table.name}": _script(flink.insert_query(table, relations, LANE, {})) for table in PLAN.values()}


def recomputations() -> Mapping[str, str]:
    """DuckDB: the same rows, per stream."""
    pairs = [(table, stream) for table in PLAN.values() for stream in CONTRACTS.streams]
    return {f"duckdb_partials_{table.name}_{stream}": _script(recompute_query(table, stream, "delivered", LANE)) for table, stream in pairs}


def views() -> Mapping[str, str]:
    """Trino: every view, a KPI's grains together."""
    families: dict[str, list[View]] = {}
    for view in all_views(CONTRACTS, DEFINITIONS):
        families.setdefault(_family(view.name), []).append(view)
    return {f"trino_{name}": _script(*(f"CREATE VIEW {view.name} AS\n{view.query}" for view in family)) for name, family in families.items()}


def every() -> Mapping[str, str]:
    """All of them."""
    return {**gates(), **journals(), **partials(), **recomputations(), **views()}


def _family(view: str) -> str:
    suffix = next((suffix for suffix in GRAINS if suffix and view.endswith(suffix)), "")
    return view.removeprefix("serving.").removesuffix(suffix).replace(".", "_")


def _script(*statements: str) -> str:
    return ";\n\n".join(statements) + ";"
