"""The decoder and its reference say the same of a million records, and a rule that only one of them has is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from contracts import registry
from contracts.reasons import OF_A_FIELD, STRUCTURAL, WRONG_REGION
from contracts.rules import CHARACTERS, rules_json
from contracts.validator import Validator, Violation
from tests.connectors.flink.agreement import disagreements
from tests.connectors.flink.harness import Harness
from tests.connectors.flink.mutants import Mutants
from tests.contracts.test_decoding import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from contracts.model import Stream

CONTRACTS = registry.load()
RECORDS = 1_000_000 // len(CONTRACTS.streams) + 1
PLANTED = 40_000
SEED = 20_261_125


@pytest.mark.parametrize("stream", CONTRACTS.streams.values(), ids=CONTRACTS.streams)
def test_decoder_and_validator_agree(stream: Stream) -> None:
    mutants = Mutants(stream, Random(SEED))
    with Harness(rules_json(stream)) as harness:
        found = disagreements(harness, CONTRACTS, stream, chain([None], mutants.corpus, islice(mutants, RECORDS)))
        assert min(islice(found, 200), key=lambda one: len(one.record or b""), default=None) is None


def test_each_fault_of_structure_has_its_own_reason() -> None:
    faults = [(reason, record) for reason, records in REFUSED.items() for record in records.values()]
    with Harness(rules_json(CONTRACTS.streams["runs"])) as harness:
        said = harness.judge([record for _, record in faults])
    assert [(reason, record) for (reason, record), one in zip(faults, said, strict=True) if one != [reason, None]] == []


def test_a_number_may_have_no_bounds() -> None:
    stream = CONTRACTS.streams["runs"]
    free = {name: told.model_copy(update={"min": None, "max": None}) for name, told in stream.fields.items() if told.type in {"integer", "number"}}
    unbounded = stream.model_copy(update={"fields": {**stream.fields, **free}})
    registry_of_it = replace(CONTRACTS, streams={"runs": unbounded})
    with Harness(rules_json(unbounded)) as harness:
        assert [*disagreements(harness, registry_of_it, unbounded, islice(Mutants(unbounded, Random(SEED)), PLANTED))] == []


def test_keys_of_records_are_forgotten_however_long_they_are() -> None:
    records = (b'{"%d%s":1,}' % (number, b"k" * 500_000) for number in range(1_500))
    with Harness(rules_json(CONTRACTS.streams["runs"])) as harness:
        assert [found for record in records for found in harness.judge([record]) if found != ["malformed", None]] == []


def test_the_records_show_every_reason() -> None:
    validator = Validator(CONTRACTS)
    shown = set()
    for stream in CONTRACTS.streams.values():
        mutants = Mutants(stream, Random(SEED))
        for record in chain([None], mutants.corpus, islice(mutants, PLANTED)):
            found = validator.decode(stream.name, record, None)
            shown.add(found.reason if isinstance(found, Violation) else "accepted")
    used = {told.type for stream in CONTRACTS.streams.values() for told in stream.fields.values()}
    unused = {characters["reason"] for kind, characters in CHARACTERS.items() if kind not in used}
    assert shown >= (STRUCTURAL | OF_A_FIELD | {"accepted"}) - unused - {WRONG_REGION}


def field(rules: Any, name: str) -> Any:
    """The rules of a field."""
    return next(one for one in rules["fields"] if one["name"] == name)


def change(name: str, **limits: Any) -> Callable[[Any], object]:
    """Plant other limits of a field; None takes one away."""

    def plant(rules: Any) -> None:
        told = field(rules, name)
        for limit, value in limits.items():
            told.pop(limit, None) if value is None else told.update({limit: value})

    return plant


PLANTS: dict[str, Callable[[Any], object]] = {
    "a longer text": change("source", max_length=129),
    "another value of an enumeration": lambda rules: field(rules, "environment")["enum"].append("PROD"),
    "a value less of an enumeration": lambda rules: field(rules, "environment")["enum"].remove("dev"),
    "an address for a pseudonym": lambda rules: change("user_id", none_of=field(rules, "user_id")["none_of"].replace("@", ""))(rules),
    "another reason": change("user_id", reason="not_a_code"),
    "digits only": change("source", only_of="0123456789"),
    "an exact length": change("source", length=4, max_length=None),
    "a lower bound": change("input_tokens", min=-1),
    "an upper bound": change("input_tokens", max=1_000_000_001),
    "more money": change("cost_usd", max=1_000_001),
    "a number for an integer": change("input_tokens", type="number"),
    "a text for money": change("cost_usd", type="text", max=None, max_length=64),
    "a field that is not required": lambda rules: rules["events"]["model.completed"]["required"].remove("provider"),
    "a field that is required": lambda rules: rules["events"]["model.completed"]["required"].append("run_id"),
    "a field that is not carried": lambda rules: rules["events"]["model.completed"]["carried"].remove("cost_usd"),
    "an event type more": lambda rules: rules["events"].update({"true": rules["events"]["model.completed"]}),
    "an event type less": lambda rules: rules["events"].pop("model.switched"),
    "canaries from anybody": lambda rules: rules["events"]["canary.beat"].update(only={}),
    "no rule between fields": lambda rules: rules.update(between=[]),
    "tolerance between fields": lambda rules: rules["between"][0].update(plus=1),
    "regions": lambda rules: rules.update(regions=["elsewhere"]),
    "an attribute more": lambda rules: field(rules, "attributes")["keys"].append("other"),
    "an attribute less": lambda rules: field(rules, "attributes")["keys"].remove("workspace"),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_rule_that_only_the_decoder_has_is_noticed(plant: Callable[[Any], object]) -> None:
    stream = CONTRACTS.streams["model_calls"]
    rules = json.loads(rules_json(stream))
    plant(rules)
    mutants = Mutants(stream, Random(SEED))
    with Harness(json.dumps(rules)) as harness:
        assert next(disagreements(harness, CONTRACTS, stream, chain(mutants.corpus, islice(mutants, PLANTED))), None) is not None
