"""Contracts are checked and exported without a stack."""

import json
from pathlib import Path

import pytest
import yaml

from contracts import examples
from pipelines import cli
from tests.pipelines.cli.conftest import Daybook


def test_contracts_that_are_in_order_are_one_sentence(daybook: Daybook) -> None:
    finished = daybook("contracts", "check")
    assert (finished.returncode, finished.stdout.count("\n"), finished.stderr) == (0, 1, "")
    assert finished.stdout.endswith("are in order\n")


def test_an_example_that_breaks_its_promise_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    broken = examples.Example("runs", "run.started", "nothing-in-it", {}, examples.APPENDED_MS, None)
    monkeypatch.setattr(examples, "load", lambda _: (broken,))
    assert cli.main(["contracts", "check"]) == 1
    assert capsys.readouterr().err.startswith("examples/run.started/nothing-in-it: the contract finds missing of ")


def test_a_broken_definition_is_wrong_configuration(daybook: Daybook, tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "wrong.yaml").write_text("kpi: wrong\n")
    finished = daybook("contracts", "check", DAYBOOK_DEFINITIONS=str(tmp_path))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("definitions/wrong.yaml: ")


def test_the_export_is_odcs_and_json_schema(daybook: Daybook, tmp_path: Path) -> None:
    assert daybook("contracts", "export", str(tmp_path)).returncode == 0
    document = yaml.safe_load(next((tmp_path / "odcs").glob("*.odcs.yaml")).read_text("utf-8"))
    schema = json.loads((tmp_path / "json-schema" / "runs.v1" / "run.started.schema.json").read_text("utf-8"))
    assert (document["kind"], schema["title" if "title" in schema else "$schema"] != "") == ("DataContract", True)
