"""Generated JSON Schemas are valid, and agree with the validator wherever JSON Schema can express the rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from contracts import examples
from contracts.json_schema import export, json_schema
from contracts.registry import load

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.examples import Example
    from contracts.registry import Registry

PRODUCT = load()
SCHEMAS = {(stream.name, event.name): json_schema(stream, event) for stream in PRODUCT.streams.values() for event in stream.event_types.values()}
BEYOND_JSON_SCHEMA = {"cost-with-ten-decimals", "older-than-the-journal", "from-the-day-after-tomorrow"}


def accepts(schema: dict[str, Any], value: object) -> bool:
    """True for a value that the schema accepts."""
    return bool(Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=map("/".join, SCHEMAS))
def test_every_schema_is_valid_against_its_meta_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("example", examples.load(PRODUCT), ids=lambda example: f"{example.event_type}/{example.situation}")
def test_an_example_is_judged_alike_by_schema_and_validator(example: Example) -> None:
    is_accepted = accepts(SCHEMAS[example.stream, example.event_type], example.event)
    assert is_accepted is (example.expect is None or example.situation in BEYOND_JSON_SCHEMA)


def test_a_producer_must_send_a_number_as_a_number(small: Registry) -> None:
    jobs = small.streams["jobs"]
    tries = json_schema(jobs, jobs.event_types["job.done"])["properties"]["tries"]
    assert (accepts(tries, 3), accepts(tries, "3")) == (True, False)


def test_a_required_text_must_not_be_empty(small: Registry) -> None:
    jobs = small.streams["jobs"]
    properties = json_schema(jobs, jobs.event_types["job.done"])["properties"]
    assert (accepts(properties["job_id"], ""), accepts(properties["user_id"], "")) == (False, True)


CHARACTERS = {
    "why": ({"out-of-memory", "", "Äh\U0001f600"}, {"out of memory", "a\n", "a\u00a0", "\u2028", "x" * 65}),
    "user_id": ({"u_5d1c0a77"}, {"a@b.org", "Ada L", "x" * 129}),
    "log_hash": ({"0a" * 32}, {"0A" * 32, "0a" * 31, "0a" * 32 + "\n", ""}),
    "log_ref": ({"s3://logs/1", "a b\n"}, {"s3://logs/1?signature=1", "x" * 41}),
}


@pytest.mark.parametrize("name", CHARACTERS)
def test_a_narrower_text_has_its_own_characters_and_length(small: Registry, name: str) -> None:
    jobs = small.streams["jobs"]
    schema = json_schema(jobs, jobs.event_types["job.done"])["properties"][name]
    right, wrong = CHARACTERS[name]
    assert ({text for text in right | wrong if accepts(schema, text)}) == right


def test_a_schema_says_which_rules_between_fields_it_cannot_check(small: Registry) -> None:
    jobs = small.streams["jobs"]
    assert "failed_tries + lost_tries <= tries + 1; started_at <= event_time + 86400000" in json_schema(jobs, jobs.event_types["job.done"])["$comment"]
    assert "tries" not in json_schema(jobs, jobs.event_types["canary.beat"])["$comment"]


def test_a_field_of_another_event_type_is_refused() -> None:
    properties = SCHEMAS["model_calls", "model.switched"]["properties"]
    assert properties["cost_usd"] is False


def test_a_canary_has_one_source() -> None:
    properties = SCHEMAS["runs", "canary.beat"]["properties"]
    assert (properties["source"]["enum"], properties["is_canary"]["enum"]) == (["daybook-canary"], [True])


def test_the_export_writes_every_schema_under_its_topic(tmp_path: Path) -> None:
    paths = export(PRODUCT, tmp_path)
    assert len(paths) == len(SCHEMAS)
    assert json.loads((tmp_path / "runs.v1" / "run.failed.schema.json").read_text()) == SCHEMAS["runs", "run.failed"]
