"""`daybook import` and `daybook simulate`: events into Kafka, from files and from a simulated platform."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors.instants import epoch_ms, now_ms
from pipelines.cli.output import counts, json_option, progress_bar, say, say_json
from pipelines.simulation.scenario import Scenario
from pipelines.workspace import Workspace, workspace

if TYPE_CHECKING:
    from connectors.sources.adapter import Adapter
    from pipelines.ingest.file_import import Imported
    from pipelines.simulation.sending import Sent

KAFKA_PATIENCE_S = 5
LINES_SHOWN = 20
TIMES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
SHARE = click.FloatRange(0, 1, max_open=True)
IMPORT_EXAMPLES = """\b
Examples:
  daybook import agent-sessions ~/.claude/projects
  daybook import temporal histories/ --json
  daybook import temporal histories/ --again      send an import that is complete once more"""
SIMULATE_EXAMPLES = """\b
Examples:
  daybook simulate --rate 200 --duration 60
  daybook simulate --rate 0 --count 20000 --duplicates 0.02 --late 0.02 --malformed 0.01
  daybook simulate --count 10000 --spread 86400 --manifest sent/     a day of history, and what was sent as Parquet
  daybook simulate --count 500 --seed 3 --start 2026-11-01T12:00     the same events every time"""


class SourceName(click.ParamType["Adapter"]):
    """The name of an adapter; adapters are found by being there, and only when asked for."""

    name = "source"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Name the sources in the help."""
        del param, ctx
        return f"[{'|'.join(_adapters())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Adapter:
        """The adapter of that name."""
        found = _adapters()
        if value not in found:
            message = f"{value} is not a source; there are {', '.join(found)}"
            raise click.BadParameter(message, ctx, param, param_hint="SOURCE")
        return found[value]


@click.command("import", epilog=IMPORT_EXAMPLES)
@click.argument("source", type=SourceName())
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--again", is_flag=True, help="Forget how far an earlier import of these files came, and send everything.")
@json_option
def import_(source: Adapter, path: Path, *, again: bool, as_json: bool) -> int:
    """Send what a foreign platform recorded in a file or folder.

    Stopped in the middle, the same command goes on where it was. Lines that cannot be read are counted and named, never fatal.
    Exit code 1 when events broke their contract and were therefore not sent.
    """
    from connectors.kafka.producer import Producer
    from contracts.validator import Validator
    from pipelines.ingest import file_import

    space = workspace()
    home, kafka = space.settings.home, space.settings.endpoints.kafka
    _require_topics(space)
    if again:
        file_import.forget(source, path, home)
    is_repeat = _is_complete(file_import.position_file(source, path, home))
    with Producer(kafka) as producer, progress_bar() as progress:
        validator = Validator(space.contracts)
        done = file_import.import_source(source, path, producer, space.contracts, home, validator=validator, progress=progress)
    if as_json:
        say_json({"source": source.name, "path": str(path), "was_complete": is_repeat, **vars(done)})
    else:
        _show_import(done, is_repeat=is_repeat)
    return 1 if done.refused else 0


@click.command(epilog=SIMULATE_EXAMPLES)
@click.option(
    "--rate", type=click.FloatRange(0), default=Scenario.rate, show_default=True, metavar="NUMBER", help="Messages per second; 0 is as fast as possible."
)
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End after so long; without an end it goes on until SIGTERM.")
@click.option("--count", type=click.IntRange(1), metavar="NUMBER", help="End after so many messages.")
@click.option("--duplicates", type=SHARE, metavar="SHARE", default=Scenario.duplicates, show_default=True, help="Share of messages that are sent again.")
@click.option("--conflicts", type=SHARE, metavar="SHARE", default=Scenario.conflicts, show_default=True, help="Share sent again with another payload.")
@click.option("--late", type=SHARE, metavar="SHARE", default=Scenario.late, show_default=True, help="Share of events that arrive late.")
@click.option("--malformed", type=SHARE, metavar="SHARE", default=Scenario.malformed, show_default=True, help="Share of messages that break their contract.")
@click.option("--seed", type=int, default=Scenario.seed, show_default=True, help="The same seed and start give the same events.")
@click.option("--start", type=click.DateTime(TIMES), metavar="TIME", help="Simulated start in UTC (default: now).")
@click.option(
    "--tenants", type=click.IntRange(1), metavar="NUMBER", default=Scenario.tenants, show_default=True, help="Number of tenants, of very different size."
)
@click.option("--spread", type=click.FloatRange(0), default=Scenario.spread_s, metavar="SECONDS", help="Backfill: event times over so long before the start.")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="FOLDER", help="Write what was sent and where the broker put it, as Parquet.")
@click.option("--manifest-values", is_flag=True, help="Write the bytes of every record into the manifest, too.")
@json_option
def simulate(*, manifest: Path | None, manifest_values: bool, as_json: bool, **options: Any) -> None:
    """Send the events of a simulated agent platform: runs with steps, model calls, failures and retries."""
    from connectors.kafka.producer import Producer
    from pipelines.signals import stop_signal
    from pipelines.simulation.manifest import Manifest
    from pipelines.simulation.sending import simulate as send

    scenario = _scenario(**options)
    space = workspace()
    kafka = space.settings.endpoints.kafka
    if manifest and manifest.exists():
        message = f"{manifest} exists; a manifest never mixes two simulations"
        raise click.BadParameter(message, param_hint="--manifest")
    _require_topics(space)
    kept = Manifest(manifest, keep_values=manifest_values) if manifest else None
    with kept or nullcontext(), Producer(kafka) as producer, progress_bar() as progress:
        bar = progress.add_task("simulate", total=scenario.total)

        def show(number: int) -> None:
            progress.update(bar, completed=number)

        sent = send(scenario, space.contracts, producer, space.topics, stop_signal(), manifest=kept, on_progress=show)
    if as_json:
        say_json(_sent_document(scenario, sent, manifest))
    else:
        _show_sent(sent, manifest)


def _adapters() -> dict[str, Adapter]:
    from connectors.sources.adapter import adapters

    return adapters()


def _is_complete(position_file: Path) -> bool:
    return position_file.exists() and bool(json.loads(position_file.read_text("utf-8")).get("complete"))


def _require_topics(space: Workspace) -> None:
    """Fail within seconds when there is nothing to send to: the producer would try for minutes.

    Raises:
        TopicError: the broker does not answer.
        ClickException: a topic is missing.
    """
    from connectors.kafka.topics import Topics

    missing = set(space.topics.values()) - Topics(space.settings.endpoints.kafka, KAFKA_PATIENCE_S).partition_counts().keys()
    if missing:
        message = f"topic {', '.join(sorted(missing))} does not exist; `daybook apply` makes it"
        raise click.ClickException(message)


def _show_import(done: Imported, *, is_repeat: bool) -> None:
    if is_repeat:
        say("imported already, nothing was sent; --again sends it once more. Then it was:")
    say(f"{done.sent.total():,} events sent")
    for event_type, number in sorted(done.sent.items()):
        say(f"  {number:>11,} {event_type}")
    for what, found in {"skipped": done.skipped, "NOT sent because their contract refuses them": done.refused}.items():
        if found:
            say(f"{found.total():,} {what}: {counts(dict(found.most_common()))}")
    if done.malformed:
        say(f"lines that cannot be read: {done.malformed:,}")
        for line in done.malformed_lines[:LINES_SHOWN]:
            say(f"  {line}")
        if done.malformed > LINES_SHOWN:
            say(f"  and {done.malformed - min(LINES_SHOWN, len(done.malformed_lines)):,} more")


def _scenario(start: datetime | None, duration: float | None, spread: float, **options: Any) -> Scenario:
    start_ms = epoch_ms(start.replace(tzinfo=UTC)) if start else now_ms()
    return Scenario(start_ms=start_ms, duration_s=duration, spread_s=spread, **options)


def _show_sent(sent: Sent, manifest: Path | None) -> None:
    pace = sent.total / sent.seconds if sent.seconds else 0
    say(f"{sent.total:,} messages sent in {sent.seconds:.1f} s, {pace:,.0f} per second")
    for counted in (sent.streams, sent.kinds):
        say(f"  {counts(dict(counted.most_common()))}")
    if manifest:
        say(f"manifest in {manifest}")


def _sent_document(scenario: Scenario, sent: Sent, manifest: Path | None) -> dict[str, Any]:
    return {
        "scenario": asdict(scenario),
        "sent": sent.total,
        "seconds": round(sent.seconds, 3),
        "streams": sent.streams,
        "kinds": sent.kinds,
        "manifest": str(manifest) if manifest else None,
    }
