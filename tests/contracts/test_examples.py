"""Examples are judged as they say, and a folder of examples that is not whole is one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from contracts import examples
from contracts.registry import ROOT, ContractError, load
from contracts.validator import Validator

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.examples import Example

PRODUCT = load()
ALL = examples.load(PRODUCT)
REASONS_OF_AN_EVENT = {
    "beyond_64_bits",
    "missing",
    "not_allowed",
    "out_of_range",
    "too_long",
    "too_precise",
    "unexpected_attribute",
    "unknown_event_type",
    "wrong_type",
}
EVENT = json.dumps({"event": {}})
FOLDER = "examples/job.done"

BROKEN = {
    "orphan": ("examples/job.begun/usual.pass.json", EVENT, "examples/job.begun: no event type has this name"),
    "no expectation": (f"{FOLDER}/odd.fail.json", EVENT, "job.done/odd.fail.json: 'expect' is missing"),
    "half an expectation": (f"{FOLDER}/odd.fail.json", '{"event": {}, "expect": {"reason": "missing"}}', "job.done/odd.fail.json: 'expect.field' is missing"),
    "expectation of a passing example": (f"{FOLDER}/odd.pass.json", '{"event": {}, "expect": {}}', "job.done/odd.pass.json: 'expect' is not a known key"),
    "no event": (f"{FOLDER}/odd.pass.json", "{}", "job.done/odd.pass.json: 'event' is missing"),
    "list": (f"{FOLDER}/odd.pass.json", "[]", "job.done/odd.pass.json: Input should be"),
    "no JSON": (f"{FOLDER}/odd.pass.json", "{", "job.done/odd.pass.json: is not JSON: "),
    "other file": (f"{FOLDER}/notes.txt", "", "job.done/notes.txt: must end with .pass.json or .fail.json"),
    "other stream": (f"{FOLDER}/odd.pass.json", '{"event": {}, "stream": "runs"}', "job.done/odd.pass.json: 'stream' must be one of jobs"),
}


def name(example: Example) -> str:
    """Event type and situation."""
    return f"{example.event_type}/{example.situation}"


@pytest.mark.parametrize("example", ALL, ids=name)
def test_an_example_is_judged_as_it_says(example: Example) -> None:
    violation = Validator(PRODUCT).check(example.stream, example.value, example.appended_ms)
    found = (violation.reason, violation.field) if violation else None
    assert found == (example.expect and (example.expect.reason, example.expect.field))


@pytest.mark.parametrize("example", ALL, ids=name)
def test_an_example_has_the_event_type_of_its_folder(example: Example) -> None:
    is_misspelt = example.expect is not None and example.expect.reason == "unknown_event_type"
    assert (example.event.get("event_type") == example.event_type) is not is_misspelt


def test_no_two_examples_share_an_event_id() -> None:
    ids = [example.event["event_id"] for example in ALL]
    assert len(ids) == len(set(ids))


def test_the_failing_examples_show_every_reason_that_an_event_can_have() -> None:
    assert {example.expect.reason for example in ALL if example.expect} == REASONS_OF_AN_EVENT


def test_every_file_below_the_examples_is_loaded() -> None:
    assert len(list((ROOT / "examples").rglob("*.json"))) == len(ALL)


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_broken_example_is_one_sentence_with_file_and_key(small_root: Path, case: tuple[str, str, str]) -> None:
    file, content, message = case
    (small_root / file).parent.mkdir(exist_ok=True)
    (small_root / file).write_text(content)
    with pytest.raises(ContractError) as caught:
        examples.load(load(small_root), small_root)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("file", "kind"), [("usual.pass.json", "passing"), ("empty.fail.json", "failing")])
def test_an_event_type_without_an_example_of_each_kind_is_an_error(small_root: Path, file: str, kind: str) -> None:
    (small_root / FOLDER / file).unlink()
    with pytest.raises(ContractError, match=rf"^examples/job\.done: has no {kind} example"):
        examples.load(load(small_root), small_root)


def test_an_event_type_without_a_folder_is_an_error(small_root: Path) -> None:
    event = small_root / "events" / "jobs" / "job.done.yaml"
    event.with_name("job.late.yaml").write_text(event.read_text().replace("job.done", "job.late"))
    with pytest.raises(ContractError, match=r"^examples/job\.late: has no passing example"):
        examples.load(load(small_root), small_root)
