"""`daybook status`: is all well, and how old is what readers see?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.output import clock, iso, json_option, say, say_json, show_table
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.cli.survey import PartitionState, StreamState, Survey

WELL = frozenset({"ready", "running"})
STREAM_COLUMNS = ("STREAM", "J", "AGE S", "W", "AGE S", "ROWS", "REPEATS", "CONFLICTING", "QUARANTINED", "STATE")
PARTITION_COLUMNS = ("TOPIC", "PARTITION", "KAFKA END", "JOURNALED", "PUBLISHED", "LAG", "CANARY AGE S")


@click.command(epilog="\b\nExamples:\n  daybook status\n  daybook status --json | jq .streams[].facts_age_seconds")
@json_option
def status(*, as_json: bool) -> int:
    """Show services, intake job, lag, canary age, and how far and how old the audited data is.

    J is the append time up to which facts are complete, W the end of the newest window in the KPIs; their ages are the time
    from event to audited answer right now. Exit code 1 when something is down, held or older than its contract promises.
    """
    from pipelines.cli.survey import survey

    space = workspace()
    space.settings.endpoints  # noqa: B018 - says at once that there is no stack
    found = survey(space)
    wrong = [*found.problems, *findings(found, space.settings.checkpoint_seconds)]
    if as_json:
        say_json(_document(found, wrong))
    else:
        _show(found, wrong)
    return 1 if wrong else 0


def findings(found: Survey, checkpoint_seconds: float) -> Iterator[str]:
    """What is not as it should be, a sentence each."""
    down = [f"{service['name']} is {service['state']}" for service in found.services or () if service["state"] not in WELL]
    if down:
        yield ", ".join(down)
    if found.jobs is not None:
        yield from _job_findings(found)
    for stream in found.streams or ():
        yield from _stream_findings(stream, found.at_ms, checkpoint_seconds)


def _job_findings(found: Survey) -> Iterator[str]:
    jobs = found.jobs or ()
    if not jobs:
        yield "no intake job runs; `daybook run intake` starts one"
    if len(jobs) > 1:
        yield f"{len(jobs)} intake jobs run at once and write every row as often: {', '.join(job.id for job in jobs)}"
    for job in jobs:
        if job.state != "RUNNING":
            yield f"intake job {job.id} is {job.state.lower()}"


def _stream_findings(stream: StreamState, at_ms: int, checkpoint_seconds: float) -> Iterator[str]:
    from kpis.partials import WINDOW_SECONDS

    if stream.hold and stream.hold.is_incident:
        yield f"{stream.name} is held since {clock(stream.hold.since_ms)} ({stream.hold.reason}); `daybook audit --explain {stream.name}` says what to do"
    for incident in stream.incidents:
        yield f"{stream.name}: {incident.kind} since {clock(incident.since_ms)}: {incident.detail}"
    # A window is in the numbers only when it has ended and the checkpoint after that is committed.
    promises = {"facts": (stream.facts_through_ms, stream.promise_s), "KPIs": (stream.kpis_through_ms, stream.promise_s + WINDOW_SECONDS + checkpoint_seconds)}
    for what, (through_ms, promise_s) in promises.items():
        age_s = _age(through_ms, at_ms)
        if age_s is None:
            yield f"{stream.name}: no {what} are published; `daybook audit --follow` does it"
        elif age_s > promise_s:
            yield f"{stream.name}: {what} are {age_s:,.0f} s old, promised are {promise_s:g} s"


def _show(found: Survey, wrong: list[str]) -> None:
    if found.services is not None:
        memory = sum(service["resident_megabytes"] for service in found.services)
        states = (f"{service['name']} {service['state']}" for service in found.services)
        say(f"services  {', '.join(states)} ({memory:,.0f} MB)")
    newest = max((stream.committed_ms for stream in found.streams or ()), default=-1)
    for job in found.jobs or ():
        deployed = {True: "what is here", False: "NOT what is here", None: "of unknown statements"}[found.is_current]
        done = f"{job.checkpoints:,} checkpoints, last commit {clock(newest)}"
        say(f"intake    {job.state.lower()} since {clock(job.since_ms)}, {done}, {deployed}, job {job.id}")
    if found.streams is not None:
        say("")
        show_table(STREAM_COLUMNS, [_stream_row(stream, found.at_ms) for stream in found.streams], STREAM_COLUMNS[1:-1])
        say("")
        rows = [_partition_row(stream.topic, partition, found.at_ms) for stream in found.streams for partition in stream.partitions]
        show_table(PARTITION_COLUMNS, rows, PARTITION_COLUMNS[1:])
    say("")
    for sentence in wrong:
        say(f"! {sentence}")
    if not wrong:
        say("all well")


def _stream_row(stream: StreamState, at_ms: int) -> tuple[object, ...]:
    through = stream.facts_through_ms, stream.kpis_through_ms
    facts, kpis = ((clock(moment), _age(moment, at_ms)) for moment in through)
    state = f"held: {stream.hold.reason}" if stream.hold else "published"
    counts = (f"{count:,}" for count in (stream.rows, stream.repeats, stream.conflicting, stream.quarantined))
    return (stream.name, *facts, *kpis, *counts, state)


def _partition_row(topic: str, partition: PartitionState, at_ms: int) -> tuple[object, ...]:
    offsets = partition.end, partition.journaled, partition.published, partition.lag
    return (topic, partition.partition, *offsets, _age(partition.reach_ms, at_ms))


def _age(moment_ms: int | None, at_ms: int) -> float | None:
    """Seconds since a moment, to a tenth; None when it never was."""
    return None if moment_ms is None or moment_ms < 0 else round((at_ms - moment_ms) / 1000, 1)


def _document(found: Survey, wrong: list[str]) -> dict[str, Any]:
    return {
        "at": iso(found.at_ms),
        "is_well": not wrong,
        "problems": wrong,
        "services": found.services,
        "intake": None if found.jobs is None else [{**asdict(job), "since": iso(job.since_ms), "is_current": found.is_current} for job in found.jobs],
        "streams": None if found.streams is None else [_stream_document(stream, found.at_ms) for stream in found.streams],
    }


def _stream_document(stream: StreamState, at_ms: int) -> dict[str, Any]:
    hold = stream.hold
    return {
        "stream": stream.name,
        "topic": stream.topic,
        "facts_through": iso(stream.facts_through_ms),
        "facts_age_seconds": _age(stream.facts_through_ms, at_ms),
        "kpis_through": iso(stream.kpis_through_ms),
        "kpis_age_seconds": _age(stream.kpis_through_ms, at_ms),
        "promised_age_seconds": stream.promise_s,
        "rows": stream.rows,
        "repeats": stream.repeats,
        "conflicting": stream.conflicting,
        "quarantined": stream.quarantined,
        "committed_at": iso(stream.committed_ms),
        "hold": {"reason": hold.reason, "since": iso(hold.since_ms), "is_incident": hold.is_incident} if hold else None,
        "incidents": [{**asdict(incident), "since": iso(incident.since_ms)} for incident in stream.incidents],
        "partitions": [
            {
                "partition": partition.partition,
                "end_offset": partition.end,
                "journaled_offset": partition.journaled,
                "published_offset": partition.published,
                "lag": partition.lag,
                "canary_age_seconds": _age(partition.reach_ms, at_ms),
            }
            for partition in stream.partitions
        ],
    }
