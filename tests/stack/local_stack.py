"""The product on the real engines as an operator runs it: a stack of its own, the intake job, canaries and the audit."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import RESTError

from connectors.flink.rest import FlinkError, FlinkRest
from connectors.iceberg.tables import connect
from connectors.kafka.producer import Producer
from connectors.kafka.records import Record
from connectors.trino.client import TrinoClient
from contracts import registry as contract_registry
from kpis import registry as kpi_registry
from pipelines import settings as product_settings
from pipelines.deployment.provisioning import apply, make_views
from pipelines.intake.statements import JOB_NAME
from pipelines.published import last_publication, read_publication
from pipelines.workspace import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyiceberg.catalog.rest import RestCatalog

    from pipelines.settings import Settings

ROOT = Path(__file__).parents[2]
PORTS = 12
DAYBOOK = [sys.executable, "-m", "pipelines.cli"]
PROCESSES = {"intake": ["run", "intake"], "canaries": ["run", "canaries"], "audit": ["audit", "--follow"]}
LOGS = ("audit", "intake", "supervisor")
PATIENCE_S = 240.0
START_PATIENCE_S = 600.0
Place = tuple[int, int, int]
"""Partition, offset and append time (epoch ms) of a record."""


@dataclass(frozen=True)
class Stack:
    """One running stack; `home` is its run directory, `root` the folder of the product that its commands run."""

    home: Path
    port_base: int
    root: Path = ROOT

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a command that is to use this stack."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(product_settings.PREFIX)}
        cache = {name: os.environ[name] for name in ("DAYBOOK_CACHE",) if name in os.environ}
        own = {
            "DAYBOOK_HOME": self.home,
            "DAYBOOK_PORT_BASE": self.port_base,
            "DAYBOOK_CONTRACTS": self.contracts,
            "DAYBOOK_DEFINITIONS": self.definitions,
            "DAYBOOK_AUDIT_LOG_SECONDS": 0,
        }
        return foreign | cache | {name: str(value) for name, value in own.items()}

    @property
    def contracts(self) -> Path:
        """Folder of the contracts, which a test may change and deploy."""
        return self.home / "contracts"

    @property
    def definitions(self) -> Path:
        """Folder of the KPI and entity definitions, which a test may change and deploy."""
        return self.home / "definitions"

    @property
    def settings(self) -> Settings:
        """Settings as every process of the stack reads them."""
        return product_settings.load(self.environment)

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses of the engines by name."""
        endpoints: dict[str, str] = json.loads((self.home / "endpoints.json").read_text("utf-8"))
        return endpoints

    @property
    def topics(self) -> dict[str, str]:
        """Topic of every stream."""
        return {stream.name: stream.topic for stream in contract_registry.load().streams.values()}

    @property
    def manifests(self) -> Path:
        """Folder of the manifests of every load that was simulated on this stack."""
        return self.home / "manifests"

    @property
    def catalog(self) -> RestCatalog:
        """The Iceberg catalog."""
        return connect(self.endpoints["catalog"])

    def trino(self) -> TrinoClient:
        """A new session."""
        return TrinoClient(self.endpoints["trino"], "tests")

    def run_local(self, *words: str, check: bool = True) -> str:
        """Run a command of `deploy.local`; its output, and an AssertionError with it when it fails."""
        return self._run([sys.executable, "-m", "deploy.local", *words], check=check)

    def run_daybook(self, *words: str, check: bool = True) -> str:
        """Run a command of `daybook`; its output, and an AssertionError with it when it fails."""
        return self._run([*DAYBOOK, *words], check=check)

    def services(self) -> dict[str, dict[str, Any]]:
        """Every supervised process by name, as `status` tells it."""
        rows = json.loads(self.run_local("status", "--json", check=False))["services"]
        return {row["name"]: row for row in rows}

    def start(self) -> None:
        """Bring everything up and wait until the audit has published canaries."""
        self.run_local("fetch")
        self.run_local("up")
        for folder, root in ((self.contracts, contract_registry.ROOT), (self.definitions, kpi_registry.ROOT)):
            if not folder.exists():
                shutil.copytree(root, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        space = read(self.settings, self.contracts, self.definitions)
        list(apply(space))
        for name, words in PROCESSES.items():
            self.run_local("start", name, "--", *DAYBOOK, *words)
        list(make_views(space))
        self.await_audited(0, START_PATIENCE_S)

    def kill(self, name: str) -> None:
        """End a supervised process at once; the supervisor starts it again."""
        self.run_local("kill", name)

    def produce_raw(self, stream: str, values: Iterable[bytes | None], key: bytes | None = b"tests:raw") -> list[Place]:
        """Send values as they are; where the broker put each, in the order of `values`."""
        places: dict[int, Place] = {}
        topic = self.topics[stream]
        with Producer(self.endpoints["kafka"]) as producer:
            for number, value in enumerate(values):
                producer.send_record(topic, Record(key, value), on_delivery=_noting(places, number))
        return [places[number] for number in sorted(places)]

    def await_audited(self, past_ms: int, timeout: float = PATIENCE_S) -> None:
        """Wait until facts and KPIs of every stream are published past a time, epoch ms."""

        def is_audited() -> bool:
            through = last_publication(self.settings)
            return through is not None and min(through.facts_ms, through.kpis_ms) > past_ms

        await_that(is_audited, f"facts and KPIs audited past {past_ms}", timeout, self._describe_audit)

    def job_failures(self) -> int:
        """How often the running intake job has failed since it was submitted."""
        flink = FlinkRest(self.endpoints["flink"])
        (job,) = flink.jobs(JOB_NAME)
        history = flink._call("GET", f"/jobs/{job.id}/exceptions")["exceptionHistory"]  # noqa: SLF001 - no command of ours needs it
        return len(history["entries"])

    def log_tail(self, name: str, lines: int = 25) -> str:
        """The end of a log."""
        path = self.home / "logs" / f"{name}.log"
        return "".join(path.read_text("utf-8", "replace").splitlines(keepends=True)[-lines:]) if path.exists() else ""

    def processes(self) -> list[int]:
        """Ids of all processes that were started for this stack, the supervised ones and their children."""
        wanted = f"DAYBOOK_HOME={self.home}".encode()
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return [pid for pid in pids if pid != os.getpid() and wanted in _environment_of(pid)]

    def _run(self, command: list[str], *, check: bool) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout[-3000:]}"
        return done.stdout

    def _describe_audit(self) -> str:
        publication = read_publication(self.settings)
        streams = publication.streams.items() if publication else ()
        return "\n".join([*(f"{name}: {frontier}" for name, frontier in streams), self.log_tail("audit")])


def free_port_base() -> int:
    """First of as many consecutive free ports as a stack needs."""
    return next(base for base in range(26_000, 32_000, 100) if all(_is_free(base + offset) for offset in range(PORTS)))


def await_that(condition: Callable[[], bool], what: str, timeout: float = PATIENCE_S, describe: Callable[[], str] = str) -> None:
    """Wait until a condition holds; an engine that does not answer yet is no failure before the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        error: Exception | None = None
        try:
            if condition():
                return
        except (OSError, FlinkError, RESTError) as refused:
            error = refused
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what} ({error})\n{describe()}"
        time.sleep(0.5)


def _noting(places: dict[int, Place], number: int) -> Callable[[int, int, int], None]:
    def note(partition: int, offset: int, appended_ms: int) -> None:
        places[number] = partition, offset, appended_ms

    return note


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
