"""The contract as data: whole, in a stable order, and nothing that a decoder would have to know from elsewhere."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest

from contracts.registry import load
from contracts.rules import BLANKS, rules_json, rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from contracts.rules import FieldRules

EACH = pytest.mark.parametrize("stream", load().streams.values(), ids=lambda stream: stream.name)
ENVELOPE = ["event_id", "event_type", "schema_version", "event_time", "source", "tenant_id", "region", "environment"]


def fields_of(registry: Registry) -> dict[str, FieldRules]:
    """Exported fields of the stream `jobs` by name."""
    return {field["name"]: field for field in rules_of(registry.streams["jobs"])["fields"]}


@EACH
def test_the_fields_are_those_of_the_journal_in_its_order(stream: Stream) -> None:
    assert [field["name"] for field in rules_of(stream)["fields"]] == list(stream.fields)


@EACH
def test_every_event_type_is_exported(stream: Stream) -> None:
    assert list(rules_of(stream)["events"]) == list(stream.event_types)


@EACH
def test_the_export_is_one_line_of_ascii_that_fits_between_quotes_of_sql(stream: Stream) -> None:
    text = rules_json(stream)
    assert text.isascii()
    assert text.isprintable()
    assert "'" not in text


@EACH
def test_the_export_reads_back_as_the_rules(stream: Stream) -> None:
    assert json.loads(rules_json(stream, ["eu"])) == rules_of(stream, ["eu"])


def test_the_keys_stand_in_a_stable_order(small: Registry) -> None:
    assert list(rules_of(small.streams["jobs"])) == ["stream", "envelope", "fields", "events", "between", "age", "regions"]


def test_regions_are_sorted_and_each_stands_once(small: Registry) -> None:
    assert rules_of(small.streams["jobs"], ["us", "eu", "us"])["regions"] == ["eu", "us"]


FIELDS: Mapping[str, Mapping[str, object]] = {
    "job_id": {"type": "text", "max_length": 8},
    "state": {"type": "text", "enum": ["ok", "bad"]},
    "tries": {"type": "integer", "min": 1, "max": 9},
    "failed_tries": {"type": "integer", "min": 0},
    "share": {"type": "number", "min": 0, "max": 1},
    "ended_at": {"type": "integer", "min": 946_684_800_000, "max": 4_102_444_800_000},
    "cost_usd": {"type": "money", "max": 1_000_000},
    "is_cheap": {"type": "boolean"},
    "attributes": {"type": "object", "keys": ["host"]},
    "why": {"type": "text", "max_length": 64, "none_of": BLANKS, "reason": "not_a_code"},
    "user_id": {"type": "text", "max_length": 128, "none_of": f"{BLANKS}@", "reason": "not_pseudonymous"},
    "log_hash": {"type": "text", "length": 64, "only_of": "0123456789abcdef", "reason": "not_a_hash"},
    "log_ref": {"type": "text", "max_length": 40, "none_of": "?", "reason": "not_a_reference"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_exported_with_its_limits_and_nothing_else(small: Registry, name: str) -> None:
    assert fields_of(small)[name] == {"name": name, **FIELDS[name]}


def test_an_event_type_carries_own_fields_and_requires_those_of_the_envelope_too(small: Registry) -> None:
    carried = ["job_id", "state", "tries", "share", "ended_at", "cost_usd", "is_cheap"]
    carried += ["started_at", "failed_tries", "lost_tries", "why", "log_hash", "log_ref"]
    assert rules_of(small.streams["jobs"])["events"]["job.done"] == {"carried": carried, "required": [*ENVELOPE, "job_id", "state"], "only": {}}


def test_a_canary_is_narrowed_to_its_producer(small: Registry) -> None:
    only = {"source": ["daybook-canary"], "is_canary": ["true"]}
    required = [*ENVELOPE, "is_canary", "job_id"]
    assert rules_of(small.streams["jobs"])["events"]["canary.beat"] == {"carried": ["job_id"], "required": required, "only": only}


def test_rules_between_fields_and_the_bounds_of_age_are_exported(small: Registry) -> None:
    rules = rules_of(small.streams["jobs"])
    assert rules["between"] == [
        {"parts": ["failed_tries", "lost_tries"], "at_most": "tries", "plus": 1, "reason": "exceeds_whole"},
        {"parts": ["started_at"], "at_most": "event_time", "plus": 86_400_000, "reason": "out_of_order"},
    ]
    assert rules["age"] == {"behind": 30 * 86_400_000, "ahead": 86_400_000}


def test_every_space_and_line_terminator_of_unicode_is_a_blank() -> None:
    spaces = {character for character in map(chr, range(0x110000)) if unicodedata.category(character) in {"Cc", "Zs", "Zl", "Zp"}}
    assert set(BLANKS) == spaces | {"\ufeff"}
