"""`daybook plan`, `apply`, `run` and `deploy`: what is declared, made, kept running and replaced."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

import click

from pipelines.cli.output import say, say_at
from pipelines.cli.quiet import engine_output_to
from pipelines.failures import exit_code, sentence
from pipelines.workspace import Workspace, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.intake.statements import StatementSet
    from pipelines.settings import Settings


@click.command(epilog="\b\nExamples:\n  daybook plan > intake.sql\n  daybook plan --explain | less")
@click.option("--explain", is_flag=True, help="Add Flink's own plan; needs the stack.")
def plan(*, explain: bool) -> None:
    """Print the SQL of the intake job: sources, views of what is accepted, inserts."""
    from pipelines.intake.deployed import described

    space = workspace()
    statements = _statements(space, needs_stack=explain)
    for statement in (*statements.declarations, *statements.inserts.values()):
        say(f"{statement};\n")
    say(f"-- statements {described(space).statements}")
    if explain:
        from pipelines.deployment.cutover import explain as explain_job

        with _flink_client(space.settings):
            explained = explain_job(space)
        say(f"\n{explained}")


@click.command(epilog="\b\nExample:\n  daybook apply          before the first start; `daybook deploy` does it too")
def apply() -> None:
    """Make topics, tables, key and views what contracts and definitions say; a line per change."""
    from pipelines.deployment import provisioning

    space = workspace()
    changes = 0
    for change in provisioning.apply(space):
        say(change)
        changes += 1
    obstacle = provisioning.obstacle(space)
    for change in () if obstacle else provisioning.make_views(space):
        say(change)
        changes += 1
    say(f"changes made: {changes}" if changes else "nothing to change")
    if obstacle:
        say(f"views stay as they are: {obstacle}; `daybook deploy` sees to it")


@click.group(epilog="\b\nExamples:\n  daybook run intake\n  daybook run canaries --interval 0.5")
def run() -> None:
    """Run a process of the platform until SIGTERM."""


@run.command(epilog="\b\nExample:\n  daybook run intake      adopts the job that runs, or starts one where the tables stop")
def intake() -> None:
    """Keep the intake job running; the job itself goes on when this process ends."""
    from pipelines.deployment.supervision import keep
    from pipelines.settings import load
    from pipelines.signals import stop_signal

    settings = load()
    settings.endpoints  # noqa: B018 - says at once that there is no stack
    with _flink_client(settings) as terminal:
        keep(settings, stop_signal(), partial(say_at, file=terminal))


@run.command(epilog="\b\nExample:\n  daybook run canaries --interval 0.5")
@click.option("--interval", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, metavar="SECONDS", help="Time between two canaries.")
def canaries(interval: float) -> None:
    """Send one canary per topic partition and tick, so that windows close and silence can be told from failure."""
    from connectors.kafka.canary import CanaryTarget, run_canaries
    from pipelines.intake.deployed import Deployed, deployed, deployed_workspace
    from pipelines.settings import load
    from pipelines.signals import stop_signal

    settings = load()
    known: dict[Deployed | None, list[CanaryTarget]] = {}

    def find_targets() -> list[CanaryTarget]:
        try:
            last = deployed(settings)
            if last not in known:
                found = [CanaryTarget(stream.topic, stream) for stream in deployed_workspace(settings).contracts.streams.values()]
                say_at(f"canaries for {', '.join(target.topic for target in found)} every {interval:g} s")
                known.clear()
                known[last] = found
        except Exception as error:
            if exit_code(error) is None:
                raise
        return next(iter(known.values()), [])

    delivered = run_canaries(settings.endpoints.kafka, find_targets, stop_signal(), interval)
    say_at(f"{delivered:,} canaries delivered")


DEPLOY_EXAMPLES = """\b
Examples:
  daybook deploy
  daybook deploy --force       replace a job that runs what is here
  daybook deploy --anyway      do not wait for the audit, for instance because a stream is held"""


@click.command(epilog=DEPLOY_EXAMPLES)
@click.option("--force", is_flag=True, help="Replace the job even when its statements have not changed.")
@click.option("--anyway", is_flag=True, help="Do not wait until the audit has published what the old job left; it may have to be released.")
def deploy(*, force: bool, anyway: bool) -> None:
    """Replace the running intake job exactly: the new one takes up where the tables say the old one stopped.

    Makes topics and tables first, as `daybook apply` does, and the views as soon as what they read is published.
    """
    from pipelines.deployment import cutover, provisioning

    space = workspace()
    for change in provisioning.apply(space):
        say(change)
    with _flink_client(space.settings) as terminal:
        cutover.deploy(space, partial(say_at, file=terminal), force=force, anyway=anyway)
    provisioning.await_published(space, say_at)
    for change in provisioning.make_views(space):
        say(change)


@contextmanager
def _flink_client(settings: Settings) -> Iterator[TextIO]:
    """Keep what Flink's client writes in a log beside the engines' own; yields the terminal.

    Raises:
        ClickException: the client did not start.
    """
    with engine_output_to(settings.home / "logs" / "flink-client.log") as terminal:
        try:
            yield terminal
        except RuntimeError as error:
            message = f"Flink's client failed: {sentence(error)}"
            raise click.ClickException(message) from error


def _statements(space: Workspace, *, needs_stack: bool) -> StatementSet:
    from pipelines.intake.statements import ANY_CATALOG, ANY_KAFKA, statement_set
    from pipelines.settings import SettingsError

    try:
        endpoints = space.settings.endpoints
    except SettingsError:
        if needs_stack:
            raise
        return statement_set(space.contracts, space.definitions, ANY_KAFKA, ANY_CATALOG)
    return statement_set(space.contracts, space.definitions, endpoints.kafka, endpoints.catalog)
