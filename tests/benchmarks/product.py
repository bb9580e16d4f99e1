"""The product under test: its generated intake job, canaries, and the audit following."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.flink.rest import FlinkRest
from connectors.iceberg.tables import connect
from contracts.datasets import DATASET_STATUS
from kpis.partials import plan
from pipelines.audit.publication import STATUS
from pipelines.cli.quiet import engine_output_to
from pipelines.deployment.provisioning import apply
from pipelines.deployment.supervision import submit
from pipelines.intake.statements import JOB_NAME
from pipelines.workspace import workspace
from tests.benchmarks.figures import Progress
from tests.benchmarks.progress import say
from tests.benchmarks.stack import Stack

if TYPE_CHECKING:
    from pyiceberg.table.snapshots import Snapshot

HELD = ("canaries", "audit")
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 600.0


class StalledError(Exception):
    """A side did not get through its load in time."""


class Product:
    """The product on a running stack."""

    def __init__(self, stack: Stack) -> None:
        """Reads contracts and definitions; starts nothing."""
        self._stack = stack
        self._space = workspace()
        self.settings = self._space.settings
        self.catalog = connect(self.settings.endpoints.catalog)
        self.contracts = self._space.contracts
        self.topics = self._space.topics
        self.journals = {stream.name: stream.journal for stream in self.contracts.streams.values()}
        self.duplicates = tuple(stream.duplicates for stream in self.contracts.streams.values())
        self.partials = tuple(f"partials.{name}" for name in plan(self.contracts, self._space.definitions))

    def provide(self) -> None:
        """Make topics and tables."""
        for line in apply(self._space):
            say(line)

    def start(self) -> None:
        """Make topics and tables, submit the job, start canaries and audit, wait for the first audited answer."""
        self.provide()
        with engine_output_to(self._stack.home.logs / "flink-client.log"):
            submit()
        flink = FlinkRest(self.settings.endpoints.flink)
        (job,) = flink.jobs(JOB_NAME)
        while len(set(flink.tasks_running(job.id))) > 1:
            time.sleep(LOOK_SECONDS)
        say("the intake job runs")
        daybook = [sys.executable, "-m", "pipelines.cli"]
        self._stack.start("canaries", [*daybook, "run", "canaries"])
        self._stack.start("audit", [*daybook, "audit", "--follow", "--json"])
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
        text = self.catalog.load_table(DATASET_STATUS).properties.get(STATUS, "[]")
        facts, kpis = ([(row[name] or 0) / 1000 for row in json.loads(text)] for name in ("facts_through", "kpis_through"))
        return min(facts, default=0.0), min(kpis, default=0.0)

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
        return [_commit(snapshot) for snapshot in self.catalog.load_table(name).metadata.snapshots]

    def cycles(self, since: float, until: float) -> list[float]:
        """Seconds of each of the audit's cycles that published something and ended between two instants."""
        lines = [line for line in (self._stack.home.logs / "audit.log").read_text().splitlines() if line.startswith("{")]
        cycles = [cycle for cycle in map(json.loads, lines) if cycle["outcome"] == "published"]
        ended = [(datetime.fromisoformat(cycle["at"]).timestamp(), cycle["seconds"]) for cycle in cycles]
        return [seconds for at, seconds in ended if since <= at <= until]


def _commit(snapshot: "Snapshot") -> Progress:
    rows = snapshot.summary["total-records"] if snapshot.summary else None
    return Progress(snapshot.timestamp_ms / 1000, int(rows or 0))
