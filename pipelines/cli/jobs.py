"""`daybook plan`, `apply`, `run` and `deploy`: what is declared, made, kept running and replaced."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

import click

from pipelines.cli.failures import sentence
from pipelines.cli.output import say, say_at
from pipelines.cli.quiet import engine_output_to
from pipelines.cli.workspace import Workspace, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.intake import StatementSet
    from pipelines.settings import Settings

ANY_KAFKA, ANY_CATALOG = "localhost:9092", "http://localhost:8181"
"""Stand in the plan while there is no stack."""


@click.command(epilog="\b\nExamples:\n  daybook plan > intake.sql\n  daybook plan --explain | less")
@click.option("--explain", is_flag=True, help="Add Flink's own plan; needs the stack.")
def plan(*, explain: bool) -> None:
    """Print the SQL of the intake job: sources, gates and inserts."""
    space = workspace()
    statements = _statements(space, needs_stack=explain)
    for statement in (*statements.definitions, *statements.inserts.values()):
        say(f"{statement};\n")
    say(f"-- definition {statements.definition_hash}")
    if explain:
        say(f"\n{_explained(space, statements)}")


@click.command(epilog="\b\nExample:\n  daybook apply          again after every change of contracts/ or kpis/")
def apply() -> None:
    """Make topics, tables, key and views what contracts and definitions say; a line per change."""
    from connectors.trino.client import TrinoClient
    from pipelines import apply as applying
    from pipelines.serving import create_views

    settings, contracts, definitions = workspace()
    changes = 0
    for change in applying.apply(settings, contracts, definitions):
        say(change)
        changes += 1
    trino = TrinoClient(settings.endpoints.trino, settings.trino_user)
    for view in create_views(trino, contracts, definitions):
        say(f"view {view} made")
        changes += 1
    say(f"changes made: {changes}" if changes else "nothing to change")


@click.group(epilog="\b\nExamples:\n  daybook run intake\n  daybook run canaries --interval 0.5")
def run() -> None:
    """Run a process of the platform until SIGTERM."""


@run.command(epilog="\b\nExample:\n  daybook run intake      adopts the job that runs, or starts one where the tables stop")
def intake() -> None:
    """Keep the intake job running; the job itself goes on when this process ends."""
    from pipelines.keeper import keep
    from pipelines.signals import stop_signal

    settings, contracts, definitions = workspace()
    settings.endpoints  # noqa: B018 - says at once that there is no stack
    with _flink_client(settings) as terminal:
        keep(settings, contracts, definitions, stop_signal(), partial(say_at, file=terminal))


@run.command(epilog="\b\nExample:\n  daybook run canaries --interval 0.5")
@click.option("--interval", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, metavar="SECONDS", help="Time between two canaries.")
def canaries(interval: float) -> None:
    """Send one canary per topic partition and tick, so that windows close and silence can be told from failure."""
    from connectors.kafka.canary import CanaryTarget, run_canaries
    from pipelines.signals import stop_signal

    space = workspace()
    targets = [CanaryTarget(stream.topic, stream.entities) for stream in space.contracts.streams.values()]
    kafka = space.settings.endpoints.kafka
    say_at(f"canaries for {', '.join(space.topics.values())} every {interval:g} s")
    delivered = run_canaries(kafka, targets, stop_signal(), interval)
    say_at(f"{delivered:,} canaries delivered")


@click.command(epilog="\b\nExamples:\n  daybook deploy\n  daybook deploy --force      replace a job whose definition is current")
@click.option("--force", is_flag=True, help="Replace the job even when its definition has not changed.")
def deploy(*, force: bool) -> None:
    """Replace the running intake job exactly: the new one takes up where the tables say the old one stopped."""
    from pipelines import deployment
    from pipelines.definition import current_hash, deployed_hash

    space = workspace()
    job = deployment.running_job(space.settings)
    before, current = deployed_hash(space.settings), current_hash(*space)
    if job and before == current and not force:
        say(f"nothing to deploy: job {job.id} runs definition {current}")
        return
    with _flink_client(space.settings) as terminal:
        job_id = deployment.replace(*space, partial(say_at, file=terminal))
    say(f"definition {before or 'none'} -> {current}: job {job_id} goes on where the tables stop")


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
    from pipelines.intake import statement_set
    from pipelines.settings import SettingsError

    try:
        endpoints = space.settings.endpoints
    except SettingsError:
        if needs_stack:
            raise
        return statement_set(space.contracts, space.definitions, ANY_KAFKA, ANY_CATALOG)
    return statement_set(space.contracts, space.definitions, endpoints.kafka, endpoints.catalog)


def _explained(space: Workspace, statements: StatementSet) -> str:
    from connectors.flink import session

    endpoints = space.settings.endpoints
    session.use_libraries(endpoints.flink_lib, endpoints.flink_conf)
    configuration = session.remote(endpoints.flink, endpoints.checkpoints, "explain", space.settings.checkpoint_seconds)
    with _flink_client(space.settings):
        return session.explain(configuration, statements.definitions, list(statements.inserts.values()))
