"""The product's contracts are whole, and a broken source is one sentence that names file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.model import CANARY, DECODED
from contracts.registry import ROOT, ContractError, load

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.registry import Registry

STREAM = "events/jobs/stream.yaml"
EVENT = "events/jobs/job.done.yaml"

BROKEN = {
    "unknown key of an event type": (EVENT, "title:", "colour: red\ntitle:", "jobs/job.done.yaml: 'colour' is not a known key"),
    "unknown key of a stream": (STREAM, "title:", "colour: red\ntitle:", "jobs/stream.yaml: 'colour' is not a known key"),
    "unknown key of a field": (STREAM, "max_length", "length", "jobs/stream.yaml: 'fields.job_id.length' is not a known key"),
    "unknown key of the envelope": ("envelope.yaml", "landing:", "landed:", "envelope.yaml: 'landed' is not a known key"),
    "half an envelope": ("envelope.yaml", "landing:", "fields:", "envelope.yaml: 'landing' is missing"),
    "key that is no text": (EVENT, "title:", "7: red\ntitle:", "jobs/job.done.yaml: '7' "),
    "unknown field type": (STREAM, "type: time", "type: date", "jobs/stream.yaml: 'fields.ended_at.type' Input should be 'string'"),
    "limit that is no number": (STREAM, "max: 9", "max: few", "jobs/stream.yaml: 'fields.tries.max' Input should be a valid integer"),
    "limit that a double has no room for": (
        STREAM,
        "max: 9",
        f"max: {2**53}",
        "jobs/stream.yaml: 'fields.tries.max' Input should be less than 9007199254740992",
    ),
    "retention that is no number": (STREAM, "_days: 30", "_days: long", "jobs/stream.yaml: 'retention_days' Input should be a valid integer"),
    "limit of another type": (
        STREAM,
        "{type: integer, ",
        "{type: integer, enum: ['1'], ",
        "jobs/stream.yaml: 'fields.tries' enum: a field of type integer has none",
    ),
    "length of a hash": (STREAM, "{type: hash,", "{type: hash, max_length: 32,", "'fields.log_hash' max_length: a field of type hash has none"),
    "rule of an undefined field": (STREAM, "at_most: tries", "at_most: attempts", "jobs/stream.yaml: rules: 'attempts' is not defined"),
    "rule of a field that cannot be summed": (STREAM, "[failed_tries", "[share", "jobs/stream.yaml: rules: 'share' is no field of type integer or time"),
    "rule with another reason": (STREAM, "reason: exceeds_whole", "reason: too_much", "jobs/stream.yaml: 'rules.0.reason' Input should be 'exceeds_whole' or"),
    "rule without parts": (STREAM, "parts: [failed_tries, lost_tries]", "parts: []", "jobs/stream.yaml: 'rules.0.parts' Tuple should have at least 1 item"),
    "rules that are a mapping": (STREAM, "rules:\n  - {", "rules:\n  {", "jobs/stream.yaml: 'rules' Input should be a valid tuple"),
    "wrong rule of the envelope": ("envelope.yaml", "at_most:", "most:", "envelope.yaml: '0.at_most' is missing"),
    "fact of a field that is no flag": (
        STREAM,
        "facts:\n",
        "facts:\n  some: {description: Some., events: [job.done], where: tries}\n",
        "fact some: where: 'tries' is no",
    ),
    "entities that are one word": (STREAM, "[job_id]", "job_id", "jobs/stream.yaml: 'entities' Input should be a valid tuple"),
    "entities that are a mapping": (STREAM, "entities: [job_id]", "entities: {job_id: 1}", "jobs/stream.yaml: 'entities' "),
    "field that is no mapping": (STREAM, "facts:", "  host: string\nfacts:", "jobs/stream.yaml: 'fields.host' "),
    "facts that are a list": (STREAM, "facts:\n  done_jobs:", "facts:\n  - ", "jobs/stream.yaml: 'facts' "),
    "required that is one word": (EVENT, "[job_id, state]", "job_id", "jobs/job.done.yaml: 'required' Input should be a valid tuple"),
    "missing owner": (STREAM, "owner: job-platform\n", "", "jobs/stream.yaml: 'owner' is missing"),
    "missing entities": (STREAM, "entities: [job_id]\n", "", "jobs/stream.yaml: 'entities' is missing"),
    "missing description of a field": (STREAM, ", description: The job.", "", "jobs/stream.yaml: 'fields.job_id.description' is missing"),
    "missing title of an event type": (EVENT, "title: Job done\n", "", "jobs/job.done.yaml: 'title' is missing"),
    "undefined field of an event type": (EVENT, "[tries", "[colour", "jobs/stream.yaml: event job.done: 'colour' is not defined"),
    "undefined field that is narrowed": (EVENT, "title:", "only: {colour: [red]}\ntitle:", "jobs/stream.yaml: event job.done: only: 'colour' is not defined"),
    "undefined event type of a fact": (STREAM, "[job.done]", "[job.begun]", "jobs/stream.yaml: fact done_jobs: events: 'job.begun' is not defined"),
    "undefined entity": (STREAM, "entities: [job_id]", "entities: [run_id]", "jobs/stream.yaml: entities: 'run_id' is not defined"),
    "field of the envelope defined again": (STREAM, "  state:", "  region:", "jobs/stream.yaml: 'fields.region' is already defined in envelope.yaml"),
    "decoder's column defined again": (STREAM, "  state:", "  payload_hash:", "jobs/stream.yaml: 'fields.payload_hash' is already defined by the decoder"),
    "landing column defined again": (STREAM, "  state:", "  offset:", "jobs/stream.yaml: 'fields.offset' is already defined in envelope.yaml"),
    "other name of the stream": (STREAM, "stream: jobs", "stream: job", "jobs/stream.yaml: 'stream' must be 'jobs', the name of its folder"),
    "missing name of the stream": (STREAM, "stream: jobs\n", "", "jobs/stream.yaml: 'stream' must be 'jobs', the name of its folder"),
    "other name of the event type": (EVENT, "event: job.done", "event: job.ended", "jobs/job.done.yaml: 'event' must be 'job.done', the name of its file"),
    "missing name of the event type": (EVENT, "event: job.done\n", "", "jobs/job.done.yaml: 'event' is missing"),
    "no YAML": (EVENT, "[job_id", "[job_id]]", "jobs/job.done.yaml: cannot be read: "),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_broken_source_is_one_sentence_with_file_and_key(small_root: Path, case: tuple[str, str, str, str]) -> None:
    file, old, new, message = case
    path = small_root / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        load(small_root)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_that_is_a_list_is_an_error(small_root: Path) -> None:
    (small_root / EVENT).write_text("[job.done]\n")
    with pytest.raises(ContractError, match=r"^jobs/job\.done\.yaml: must be a mapping"):
        load(small_root)


def test_a_folder_without_a_stream_is_an_error(small_root: Path) -> None:
    (small_root / STREAM).unlink()
    with pytest.raises(ContractError, match=r"^jobs/stream\.yaml: cannot be read"):
        load(small_root)


@pytest.mark.parametrize("name", ["events/job.late.yaml", "events/jobs/job.late.yml", "events/jobs/notes.md"])
def test_a_file_that_nothing_reads_is_an_error(small_root: Path, name: str) -> None:
    (small_root / name).write_text("event: job.late\n")
    with pytest.raises(ContractError, match="is not a contract source"):
        load(small_root)


def test_the_small_registry_is_correct(small: Registry) -> None:
    assert list(small.streams["jobs"].event_types) == ["job.done", CANARY]


def test_a_stream_names_its_topic_and_its_journal(small: Registry) -> None:
    jobs = small.streams["jobs"]
    assert (jobs.topic, jobs.journal) == ("jobs.v1", "journal.jobs")


def test_a_canary_requires_every_entity_of_its_stream(product: Registry) -> None:
    for stream in product.streams.values():
        assert set(stream.entities) <= set(stream.event_types[CANARY].required), stream.name


def test_every_event_type_requires_an_id_that_orders_its_records(product: Registry) -> None:
    for stream in product.streams.values():
        for event in stream.event_types.values():
            assert any(name.endswith("_id") for name in event.required), event.name


def test_a_rule_of_the_envelope_holds_where_a_stream_has_its_fields(small: Registry, product: Registry) -> None:
    parts = {name: [rule.parts for rule in stream.rules] for name, stream in [*small.streams.items(), *product.streams.items()]}
    cached = [("cache_read_tokens", "cache_write_tokens"), ("reasoning_tokens",)]
    assert parts == {"jobs": [("failed_tries", "lost_tries"), ("started_at",)], "model_calls": cached, "runs": [("started_at",), ("created_at",)]}


def test_an_event_may_be_as_old_as_its_stream_keeps_events(small: Registry) -> None:
    assert small.streams["jobs"].max_age_ms == 30 * 86_400_000


def test_a_text_has_the_length_of_its_type_where_none_is_told(small: Registry) -> None:
    fields = small.streams["jobs"].fields
    assert {name: fields[name].max_length for name in ("job_id", "node", "why", "user_id", "log_hash", "log_ref")} == {
        "job_id": 8,
        "node": 128,
        "why": 64,
        "user_id": 128,
        "log_hash": 64,
        "log_ref": 40,
    }


def test_every_event_type_has_one_stream(product: Registry) -> None:
    names = [name for stream in product.streams.values() for name in stream.event_types if name != CANARY]
    assert len(names) == len(set(names))


def test_every_field_is_described_in_a_sentence(product: Registry) -> None:
    for stream in product.streams.values():
        for field in (*stream.fields.values(), *DECODED.values(), *stream.landing.values()):
            assert field.description.endswith("."), field.name


def test_every_field_is_carried_by_an_event_type(product: Registry) -> None:
    for stream in product.streams.values():
        carried = {name for event in stream.event_types.values() for name in event.carried}
        assert set(stream.fields) - set(stream.envelope) <= carried, stream.name


def test_every_event_type_but_the_canary_is_in_a_fact(product: Registry) -> None:
    for stream in product.streams.values():
        in_facts = {name for fact in stream.facts.values() for name in fact.events}
        assert in_facts == set(stream.event_types) - {CANARY}, stream.name


def test_an_id_has_the_same_length_in_every_stream(product: Registry) -> None:
    found: dict[str, set[int]] = {}
    for stream in product.streams.values():
        for field in stream.fields.values():
            if field.name.endswith("_id"):
                found.setdefault(field.name, set()).add(field.max_length)
    assert {name for name, lengths in found.items() if len(lengths) > 1} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("**/*.*.yaml")), ids=lambda path: path.stem)
def test_a_contract_is_short_and_lists_one_field_per_line(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 40
    assert [line for line in lines if line.startswith(("required:", "optional:")) and not line.endswith(":")] == []
