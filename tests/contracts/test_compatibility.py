"""Which changes of a stream may travel on the same topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.compatibility import breaking_changes
from contracts.registry import load

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "events/jobs/stream.yaml"
EVENT = "events/jobs/job.done.yaml"
ENVELOPE = "envelope.yaml"

BREAKING = {
    "changed type": (STREAM, "share: {type: number, min: 0, max: 1", "share: {type: money", "field 'share' changed from number to money"),
    "changed unit": (STREAM, "max: 9,", "max: 9, unit: tries,", "field 'tries' changed its unit from None to tries"),
    "fewer values": (STREAM, "[ok, bad]", "[ok]", "field 'state' allows fewer values"),
    "values where all were allowed": (STREAM, "max_length: 8", "enum: [a]", "field 'job_id' allows fewer values"),
    "fewer keys": (STREAM, "[host]", "[node]", "field 'attributes' allows fewer keys"),
    "shorter text": (STREAM, "max_length: 8", "max_length: 7", "field 'job_id' became shorter"),
    "higher minimum": (STREAM, "min: 1, max: 9", "min: 2, max: 9", "field 'tries' has a narrower range"),
    "lower maximum": (STREAM, "min: 1, max: 9", "min: 1, max: 8", "field 'tries' has a narrower range"),
    "a rule between fields": (
        STREAM,
        "rules:\n",
        "rules:\n  - {parts: [tries], at_most: failed_tries, reason: exceeds_whole}\n",
        "rule 'tries <= failed_tries' was added",
    ),
    "a stricter rule between fields": (STREAM, "plus: 1,", "plus: 0,", "rule 'failed_tries + lost_tries <= tries' allows less"),
    "less time to come": (STREAM, "_days: 30", "_days: 29", "events may be 29 days old instead of 30"),
    "newly required": (EVENT, "state]\noptional: [tries, ", "state, tries]\noptional: [", "job.done: field 'tries' became required"),
    "newly required of every event": (ENVELOPE, "user_id: {", "user_id: {required: true, ", "job.done: field 'user_id' became required"),
    "no longer carried": (EVENT, "[tries, ", "[", "job.done: field 'tries' was removed"),
    "narrowed for one event type": (EVENT, "title:", "only: {state: [ok]}\ntitle:", "job.done: field 'state' allows fewer values"),
}
HARMLESS = {
    "more values": (STREAM, "[ok, bad]", "[ok, bad, odd]"),
    "any value": (STREAM, "enum: [ok, bad], ", ""),
    "longer text": (STREAM, "max_length: 8", "max_length: 9"),
    "wider range": (STREAM, "min: 1, max: 9", "min: 0, max: 10"),
    "more time to come": (STREAM, "_days: 30", "_days: 31"),
    "a looser rule between fields": (STREAM, "plus: 1,", "plus: 2,"),
    "no rule between fields": (STREAM, "  - {parts: [failed_tries, lost_tries], at_most: tries, plus: 1, reason: exceeds_whole}\n", "  []\n"),
    "no range": (STREAM, "min: 1, max: 9, ", ""),
    "another field": (STREAM, "facts:", "  host: {type: string, description: Where.}\nfacts:"),
    "another entity": (STREAM, "[job_id]", "[job_id, state]"),
    "another key": (STREAM, "[host]", "[host, node]"),
    "other words": (STREAM, "The job.", "The one job."),
    "no longer required": (EVENT, "[job_id, state]\noptional: [", "[job_id]\noptional: [state, "),
    "a new minor version": (STREAM, "version: 1.0.0", "version: 1.1.0"),
}


def changes(root: Path, edits: list[tuple[str, str, str]]) -> list[str]:
    """What the edits break in the stream `jobs`."""
    old = load(root).streams["jobs"]
    for file, before, after in edits:
        text = (root / file).read_text()
        assert before in text
        (root / file).write_text(text.replace(before, after, 1))
    return breaking_changes(old, load(root).streams["jobs"])


def test_a_stream_follows_itself(small_root: Path) -> None:
    assert changes(small_root, []) == []


@pytest.mark.parametrize("case", BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_named(small_root: Path, case: tuple[str, str, str, str]) -> None:
    file, before, after, sentence = case
    assert changes(small_root, [(file, before, after)]) == [sentence]


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_an_additive_change_breaks_nothing(small_root: Path, edit: tuple[str, str, str]) -> None:
    assert changes(small_root, [edit]) == []


def test_a_removed_field_breaks_its_readers(small_root: Path) -> None:
    line = "  share: {type: number, min: 0, max: 1, description: Share that was done.}\n"
    found = changes(small_root, [(STREAM, line, ""), (EVENT, "share, ", "")])
    assert found == ["field 'share' was removed", "job.done: field 'share' was removed"]


def test_a_removed_entity_breaks_its_readers(small_root: Path) -> None:
    assert changes(small_root, [(STREAM, "[job_id]", "[state]")]) == ["entity 'job_id' was removed", "canary.beat: field 'job_id' was removed"]


def test_a_removed_event_type_breaks_its_producers(small_root: Path) -> None:
    old = load(small_root).streams["jobs"]
    new = old.model_copy(update={"event_types": {"canary.beat": old.event_types["canary.beat"]}})
    assert breaking_changes(old, new) == ["event type 'job.done' was removed"]


def test_a_new_major_version_may_change_everything(small_root: Path) -> None:
    assert changes(small_root, [(STREAM, "version: 1.0.0", "version: 2.0.0"), (STREAM, "[ok, bad]", "[fine]")]) == []
