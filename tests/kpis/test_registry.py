"""The lint of definitions: one error that names file and key, for each thing a definition may get wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from contracts.registry import ContractError
from kpis import registry
from tests.statements import CONTRACTS, DEFINITIONS

if TYPE_CHECKING:
    from pathlib import Path

WRONG = {
    "unknown field": ("model_cost", "sum: cost_usd", "sum: price_usd", "definitions/model_cost.yaml: 'price_usd' is not a field of model_calls"),
    "unknown stream": ("model_cost", "stream: model_calls", "stream: calls", "definitions/model_cost.yaml: stream: 'calls' is not a stream"),
    "unknown key": ("model_cost", "better: lower", "better: lower\ncolour: red", "definitions/model_cost.yaml: 'colour' is not a known key"),
    "missing owner": ("model_cost", "owner: model-platform\n", "", "definitions/model_cost.yaml: 'owner' is missing"),
    "dimension that is not carried": (
        "runs_started",
        "[run_kind, process_id",
        "[step_id, process_id",
        "'step_id' is not carried by the event types",
    ),
    "base dimension": ("runs_started", "[run_kind", "[tenant_id, run_kind", "dimensions: 'tenant_id' is a base dimension of every KPI"),
    "division": ("model_cost", "sum: cost_usd", "sum: cost_usd / 2", "'cost_usd / 2': Div is not allowed in a definition"),
    "sum of floats": (
        "runs_started",
        "count: event_type = 'run.started'",
        "sum: progress",
        "'progress' is a floating-point number and cannot be",
    ),
    "unknown unit": ("model_cost", "unit: USD", "unit: EUR", "definitions/model_cost.yaml: 'unit' Input should be"),
    "name of another file": ("model_cost", "kpi: model_cost", "kpi: cost", "definitions/model_cost.yaml: the name must be 'model_cost', the name of its file"),
    "field of a condition": ("model_cost", "where: is_leaf", "where: is_root", "'is_root' is not a field of model_calls"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the product's definitions."""
    for folder in ("definitions", "entities"):
        shutil.copytree(registry.ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_definition_is_one_sentence(root: Path, wrong: str) -> None:
    name, right, instead, message = WRONG[wrong]
    path = root / "definitions" / f"{name}.yaml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, instead))
    with pytest.raises(ContractError) as caught:
        registry.load(CONTRACTS, root)
    assert message in str(caught.value)


def test_a_wrong_entity_is_one_sentence(root: Path) -> None:
    path = root / "entities" / "runs.yaml"
    path.write_text(path.read_text().replace("{max: attempt,", "{max: tries,"))
    with pytest.raises(ContractError, match=r"entities/runs.yaml: streams.runs: 'tries' is not a field of runs"):
        registry.load(CONTRACTS, root)


def test_the_product_measures_what_it_promises() -> None:
    promised = "runs_started run_success_rate run_duration run_queue_wait step_failure_rate tokens model_cost model_error_rate model_latency"
    assert DEFINITIONS.kpis.keys() >= {*promised.split(), "time_to_first_token", "cache_hit_ratio"}


@pytest.mark.parametrize("path", sorted((registry.ROOT / "definitions").iterdir()), ids=lambda path: path.stem)
def test_a_definition_is_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 14
