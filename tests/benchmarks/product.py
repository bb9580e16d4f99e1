"""The product under test: its generated intake job, canaries, and the audit following."""

import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from connectors.flink.rest import FlinkRest
from connectors.iceberg.tables import connect
from contracts import registry as contract_registry
from kpis import registry as kpi_registry
from kpis.partials import plan
from pipelines import deployment, settings
from pipelines.apply import apply
from pipelines.audit.iceberg_lake import DATASET_STATUS
from tests.benchmarks.figures import Progress
from tests.benchmarks.progress import say
from tests.benchmarks.stack import Stack

HELD = ("canaries", "audit")
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 420.0


class StalledError(Exception):
    """A side did not get through its load in time."""


class Product:
    """The product on a running stack."""

    def __init__(self, stack: Stack) -> None:
        """Reads contracts and definitions; starts nothing."""
        self._stack = stack
        self.settings = settings.load()
        self.contracts = contract_registry.load()
        self.definitions = kpi_registry.load(self.contracts)
        self.catalog = connect(self.settings.endpoints.catalog)
        self.topics = {stream.name: stream.topic for stream in self.contracts.streams.values()}
        self.journals = {stream.name: stream.journal for stream in self.contracts.streams.values()}
        self.partials = tuple(f"partials.{name}" for name in plan(self.contracts, self.definitions))
        self.audit_log = Path(stack.home.root) / "audit-cycles.jsonl"

    def start(self) -> None:
        """Make topics and tables, submit the job, start canaries and audit, wait for the first audited answer."""
        for line in apply(self.settings, self.contracts, self.definitions):
            say(line)
        # A process of its own: the Flink client would keep half a gigabyte of this one.
        submitting = multiprocessing.get_context("spawn").Process(target=_submit)
        submitting.start()
        submitting.join()
        flink = FlinkRest(self.settings.endpoints.flink)
        (job,) = flink.jobs(deployment.JOB_NAME)
        while len(set(flink.tasks_running(job.id))) > 1:
            time.sleep(LOOK_SECONDS)
        say("the intake job runs")
        module = [sys.executable, "-m", "tests.benchmarks.follow"]
        self._stack.start("canaries", [*module, "canaries"])
        self._stack.start("audit", [*module, "audit", str(self.audit_log)])
        self.wait_until_audited(time.time(), "the first canaries")

    def hold(self) -> None:
        """Let nothing of ours work while the peer is measured: no canaries, hence no records, and no audit."""
        for name in HELD:
            self._stack.send(name, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on, and wait until the audit has caught up."""
        for name in HELD:
            self._stack.send(name, signal.SIGCONT)
        self.wait_until_audited(time.time(), "canaries after the pause")

    def audited_through(self) -> tuple[float, float]:
        """Least J and W over the streams as the status of the served datasets tells, seconds since the epoch; 0 before the first."""
        fields = ("facts_through", "kpis_through")
        rows = self.catalog.load_table(DATASET_STATUS).scan(selected_fields=fields).to_arrow().to_pylist()
        return min((_seconds(row[fields[0]]) for row in rows), default=0.0), min((_seconds(row[fields[1]]) for row in rows), default=0.0)

    def wait_until_audited(self, moment: float, what: str) -> float:
        """Wait until everything appended before `moment` is in audited facts and KPIs; how long that took, in seconds.

        Raises:
            StalledError: it took too long.
        """
        begun = time.time()
        while min(self.audited_through()) < moment:
            if time.time() - begun > PATIENCE_SECONDS:
                message = f"product: {what} not audited after {PATIENCE_SECONDS:.0f} s; see the logs of audit and taskmanager"
                raise StalledError(message)
            time.sleep(LOOK_SECONDS)
        say(f"audited: {what}, {time.time() - begun:.1f} s")
        return time.time() - begun

    def journaled(self) -> Mapping[str, list[Progress]]:
        """Commits of every journal."""
        return {name: self.commits(name) for name in self.journals.values()}

    def commits(self, name: str) -> list[Progress]:
        """Commits of a table: when, and rows in it."""
        return commits_of(self.catalog.load_table(name).metadata.snapshots)

    def cycles(self, since: float, until: float) -> list[tuple[str, float]]:
        """Outcome and seconds of the audit's cycles that began between two instants."""
        lines = map(json.loads, self.audit_log.read_text().splitlines())
        return [(line["outcome"], line["seconds"]) for line in lines if since <= line["at"] <= until]


def commits_of(snapshots: list[object]) -> list[Progress]:
    """When each snapshot was committed, and the rows in the table then."""
    return [Progress(one.timestamp_ms / 1000, int(one.summary["total-records"])) for one in snapshots]  # type: ignore[attr-defined]


def _seconds(moment: datetime | None) -> float:
    return moment.astimezone(UTC).timestamp() if moment else 0.0


def _submit() -> None:
    contracts = contract_registry.load()
    deployment.start(settings.load(), contracts, kpi_registry.load(contracts))
