"""Contracts are checked and exported without a stack."""

import json
from pathlib import Path

import pytest
import yaml

from contracts import examples
from tests.pipelines.cli.conftest import Daybook


def test_contracts_that_are_in_order_are_one_sentence(daybook: Daybook) -> None:
    finished = daybook("contracts", "check")
    assert (finished.code, finished.out.count("\n"), finished.err) == (0, 1, "")
    assert finished.out.endswith("are in order\n")


def test_an_example_that_breaks_its_promise_is_named(daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = examples.Example("runs", "run.started", "nothing-in-it", {}, examples.APPENDED_MS, None)
    monkeypatch.setattr(examples, "load", lambda _: (broken,))
    finished = daybook("contracts", "check")
    assert finished.code == 1
    assert finished.err.startswith("examples/run.started/nothing-in-it: the contract finds ")


def test_a_broken_definition_is_wrong_configuration(daybook: Daybook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "wrong.yaml").write_text("kpi: wrong\n")
    monkeypatch.setenv("DAYBOOK_DEFINITIONS", str(tmp_path))
    finished = daybook("contracts", "check")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("definitions/wrong.yaml: ")


def test_the_export_is_odcs_and_json_schema(daybook: Daybook, tmp_path: Path) -> None:
    assert daybook("contracts", "export", str(tmp_path)).code == 0
    document = yaml.safe_load(next((tmp_path / "odcs").glob("*.odcs.yaml")).read_text("utf-8"))
    schema = json.loads((tmp_path / "json-schema" / "runs.v1" / "run.started.schema.json").read_text("utf-8"))
    assert (document["kind"], schema["properties"]["event_type"]["const"]) == ("DataContract", "run.started")
