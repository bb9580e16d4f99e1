"""Every generated statement by the name of its golden file: one per definition and engine, in lines that can be reviewed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contracts import registry as contract_registry
from kpis import registry as kpi_registry
from kpis.partials import plan
from kpis.sql import flink
from kpis.sql.duckdb import recompute_query
from kpis.sql.trino import GRAINS
from pipelines.deployment.views import all_views
from pipelines.intake.statements import LANE
from transforms import journal, source

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE = 160
_WORDS = re.compile(r"\s*(?:'(?:[^']|'')*'|\"[^\"]*\"|[^\s'\"])+\s?")
_LOGIC = re.compile(r"\b(?:AND|OR|WHEN|ELSE) (?=(?:[^']*'[^']*')*[^']*$)")
CONTRACTS = contract_registry.load()
DEFINITIONS = kpi_registry.load(CONTRACTS)
PLAN = plan(CONTRACTS, DEFINITIONS)


def sources() -> Mapping[str, str]:
    """Flink: the source of each stream and its view of what is accepted."""
    options = {"connector": "kafka"}
    streams = CONTRACTS.streams.values()
    return {f"flink/source_{stream.name}": _script(source.source_ddl(stream, options), source.accepted_ddl(stream)) for stream in streams}


def journals() -> Mapping[str, str]:
    """Flink: the rows of each journal. DuckDB: how they are read back."""
    streams = CONTRACTS.streams.values()
    written = {f"flink/journal_{stream.name}": _script(journal.insert_select(stream)) for stream in streams}
    return written | {f"duckdb/journal_{stream.name}": _script(journal.normal_form(stream, f"journal_{stream.name}")) for stream in streams}


def partials() -> Mapping[str, str]:
    """Flink: the rows of each partial table."""
    relations = {stream.name: source.accepted_name(stream) for stream in CONTRACTS.streams.values()}
    return {f"flink/partials_{table.name}": _script(flink.insert_query(table, relations, LANE, {})) for table in PLAN.values()}


def recomputations() -> Mapping[str, str]:
    """DuckDB: the same rows, per stream."""
    pairs = [(table, stream) for table in PLAN.values() for stream in CONTRACTS.streams]
    return {f"duckdb/partials_{table.name}_{stream}": _script(recompute_query(table, stream, "delivered", LANE)) for table, stream in pairs}


def views() -> Mapping[str, str]:
    """Trino: every view; of a KPI's grains the finest."""
    coarser = tuple(suffix for suffix in GRAINS if suffix)
    finest = (view for view in all_views(CONTRACTS, DEFINITIONS) if not view.name.endswith(coarser))
    return {f"trino/{view.name.removeprefix('serving.').replace('.', '_')}": _script(f"CREATE VIEW {view.name} AS\n{view.query}") for view in finest}


def every() -> Mapping[str, str]:
    """All of them."""
    return {**sources(), **journals(), **partials(), **recomputations(), **views()}


def _script(*statements: str) -> str:
    lines = (part for line in (";\n\n".join(statements) + ";").splitlines() for part in _lines_of(line))
    return "\n".join(lines) + "\n"


def _lines_of(line: str) -> list[str]:
    """A line of SQL as lines of at most LINE characters, broken between words outside of texts, if possible before a word of logic."""
    words = _WORDS.findall(line)
    indent = line[: len(line) - len(line.lstrip())]
    found = [""]
    for word in words:
        if len(found[-1]) + len(word.rstrip()) > LINE:
            kept, moved = _broken(found[-1])
            found[-1:] = [kept, f"{indent}    {moved}"]
        found[-1] += word
    return [each.rstrip() for each in found]


def _broken(line: str) -> tuple[str, str]:
    """What stays on a full line and what moves to the next one."""
    breaks = [match.start() for match in _LOGIC.finditer(line) if match.start() > LINE // 2]
    return (line[: breaks[-1]], line[breaks[-1] :]) if breaks else (line, "")
