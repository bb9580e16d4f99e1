"""The lint of definitions: one error that names file and key, for each thing a definition may get wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from contracts.registry import ContractError
from kpis import lint, registry
from kpis.model import Measure
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
    "id of single things": ("runs_started", "[run_kind", "[trigger_id, run_kind", "dimensions: 'trigger_id' names single things, so every event"),
    "presence": ("model_cost", "sum: cost_usd", "presence: call_id", "definitions/model_cost.yaml: 'presence' is not built yet"),
    "latest value": ("model_cost", "sum: cost_usd", "latest: provider", "definitions/model_cost.yaml: 'latest' is not built yet"),
    "computed from facts": ("model_cost", "unit: USD", "unit: USD\ncomputed: facts", "definitions/model_cost.yaml: computed: 'facts' is not built yet"),
    "histogram of money": ("model_cost", "sum: cost_usd", "histogram: cost_usd", "'cost_usd' is money: a histogram of it is not built yet"),
    "ratio of money": ("cache_hit_ratio", "{sum: cache_read_tokens}", "{sum: cost_usd}", "a ratio of money and something else is not built yet"),
    "money and a number": ("model_cost", "where: is_leaf", "where: cost_usd > 1", "'cost_usd > 1' takes money and whole together"),
    "no condition": ("runs_started", "event_type = 'run.started'", "attempt", "definitions/runs_started.yaml: 'attempt' is no condition"),
    "sum of a flag": ("model_cost", "sum: cost_usd", "sum: streamed", "'streamed' is a condition and has no sum"),
    "sum of fractions": ("model_cost", "sum: cost_usd", "sum: duration_ms * 1.5", "'duration_ms * 1.5' is a floating-point number and cannot be"),
    "sum of nothing": ("model_cost", "sum: cost_usd", "sum:", "definitions/model_cost.yaml: 'measures.value' a sum needs an expression"),
    "count of a value": ("model_cost", "sum: cost_usd", "measures: {a: {kind: count, value: attempt}}", "'measures.a' a count has a condition, not a value"),
    "measure of a number": ("model_cost", "sum: cost_usd", "measures: {a: 5}", "'measures.a' Input should be a valid dictionary"),
    "condition of a number": ("runs_started", "event_type = 'run.started'", "5", "definitions/runs_started.yaml: '5' is no condition"),
    "brackets without end": ("model_cost", "sum: cost_usd", f"sum: {'(' * 2000}cost_usd{')' * 2000}", "' is not an expression"),
    "key that is no name": ("model_cost", "sum: cost_usd", "sum: cost_usd\n1: 2", "definitions/model_cost.yaml: '1' is not a known key"),
    "two values": ("model_cost", "sum: cost_usd", "sum: cost_usd\ncount: is_leaf", "has count and sum, of which only one can be meant"),
    "dimension twice": ("runs_started", "[run_kind", "[run_kind, run_kind", "definitions/runs_started.yaml: dimensions: 'run_kind' is there twice"),
    "name with a quote": ("model_cost", "sum: cost_usd", "measures: {it's: {sum: cost_usd}}", "definitions/model_cost.yaml: 'it's' is no name"),
    "fields of different event types": ("model_cost", "sum: cost_usd", "count: to_model = from_model AND attempt = 1", "no event type carries all"),
    "outgrown product": ("model_cost", "sum: cost_usd", "sum: cost_usd * cost_usd", "'cost_usd * cost_usd' may outgrow 64 bits; its fields need a min"),
    "sum of text": ("model_cost", "sum: cost_usd", "sum: provider", "definitions/model_cost.yaml: 'provider' is text and has no sum"),
    "unknown event type": ("runs_started", "'run.started'", "'run.startd'", "definitions/runs_started.yaml: 'run.startd' is not an event type of runs"),
    "name of a value": (
        "tokens",
        "sums: [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens]",
        "measures: {provider: {sum: input_tokens}}",
        "definitions/tokens.yaml: dimensions: 'provider' is the name of another column",
    ),
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


def test_a_misnamed_definition_is_refused(root: Path) -> None:
    (root / "definitions" / "tokens.yaml").rename(root / "definitions" / "tokens.yml")
    with pytest.raises(ContractError, match=r"definitions/tokens.yml: is not a contract source"):
        registry.load(CONTRACTS, root)


def test_a_column_that_no_stream_tells_is_refused(root: Path) -> None:
    path = root / "entities" / "runs.yaml"
    path.write_text(path.read_text().replace("columns:\n", "columns:\n  extra: {type: integer, description: Nobody knows.}\n"))
    with pytest.raises(ContractError, match=r"entities/runs.yaml: columns.extra: no stream tells it"):
        registry.load(CONTRACTS, root)


def test_the_product_measures_what_it_promises() -> None:
    promised = "runs_started run_success_rate run_duration run_queue_wait step_failure_rate tokens model_cost model_error_rate model_latency"
    assert DEFINITIONS.kpis.keys() >= {*promised.split(), "time_to_first_token", "cache_hit_ratio"}


@pytest.mark.parametrize("path", sorted((registry.ROOT / "definitions").iterdir()), ids=lambda path: path.stem)
def test_a_definition_is_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 14


@pytest.mark.parametrize("kind", ["presence", "histogram"])
def test_an_entity_has_no_column_of_a_kind_that_is_not_built(root: Path, kind: str) -> None:
    path = root / "entities" / "runs.yaml"
    path.write_text(path.read_text().replace("{max: attempt,", f"{{{kind}: attempt,"))
    with pytest.raises(ContractError, match=rf"entities/runs.yaml: streams.runs: '{kind}' is not built yet"):
        registry.load(CONTRACTS, root)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("{max: run_kind}", "{max: attempt}", "run_kind: a max of numbers is no column of type string"),
        ("{max: attempt,", "{max: progress,", "attempts: a max of fraction is no column of type integer"),
        ("{max: attempt,", "{max: queue,", "attempts: a max of text is no column of type integer"),
    ],
)
def test_a_column_of_an_entity_is_of_the_type_of_what_is_told(root: Path, right: str, wrong: str, message: str) -> None:
    path = root / "entities" / "runs.yaml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    with pytest.raises(ContractError, match=rf"entities/runs.yaml: streams.runs.{message}"):
        registry.load(CONTRACTS, root)


def test_two_meanings_in_one_column_are_refused_with_both_names() -> None:
    owners = {"sum_a": ("sum of b", "definitions/other.yaml")}
    with pytest.raises(ContractError, match=r"one.yaml: 'sum of a' would share the column 'sum_a' with 'sum of b' of definitions/other.yaml"):
        lint.claim(owners, Measure(kind="sum", value="a"), "definitions/one.yaml")
