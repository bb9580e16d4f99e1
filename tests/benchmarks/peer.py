"""The peer: Kafka Connect's Iceberg sink, one worker with one connector per topic, which copies records and nothing else."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from connectors.iceberg.tables import TableSpec, ensure_table
from connectors.kafka.topics import Topics, TopicSpec
from contracts.model import DECODED
from pipelines.tables import journal_table
from tests.benchmarks.figures import Progress
from tests.benchmarks.product import PATIENCE_SECONDS, Product, StalledError
from tests.benchmarks.progress import say
from tests.benchmarks.stack import Stack, connect_java

HEAP = "-Xmx1500m"
LOOK_SECONDS = 0.5
LANDED = frozenset({*DECODED, "topic", "partition", "offset", "appended_at"})
"""Columns of a journal that the peer has no value for."""


class PeerError(Exception):
    """A connector failed; the message is its own."""


class Peer:
    """The Connect worker on the product's stack, with topics and tables of its own.

    The tables have the journals' columns, day partitions and properties, and the commit interval is the job's.
    """

    def __init__(self, stack: Stack, product: Product) -> None:
        """Nothing is started yet."""
        self._stack = stack
        self._product = product
        self.topics = {stream: f"peer.{topic}" for stream, topic in product.topics.items()}
        self.tables = {stream: f"peer.{stream}" for stream in product.topics}

    def start(self) -> None:
        """Make topics and tables, start the worker and its connectors."""
        controls = [TopicSpec(_control(stream), 1) for stream in self.topics]
        copies = [TopicSpec(topic, self._product.settings.partitions) for topic in self.topics.values()]
        Topics(self._product.settings.endpoints.kafka).ensure([*controls, *copies])
        for name, contract in self._product.contracts.streams.items():
            journal = journal_table(contract)
            columns = tuple(column for column in journal.columns if column.name not in LANDED)
            ensure_table(self._product.catalog, TableSpec(self.tables[name], columns, journal.partition, ("event_time",)))
        java, folder = connect_java()
        configuration = self._stack.home.config / "connect.properties"
        configuration.write_text("".join(f"{key}={value}\n" for key, value in self._worker().items()))
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        self._stack.start("connect", [java, HEAP, "-cp", f"{folder}/*", main, str(configuration)])
        self._wait_for_worker()
        for stream in self.topics:
            self._call("PUT", f"/connectors/{stream}/config", self._connector(stream))
            self._wait_until(stream, "RUNNING")
        say("the Connect worker runs")

    def hold(self) -> None:
        """Pause the connectors while the product is measured."""
        self._switch("pause", "PAUSED")

    def resume(self) -> None:
        """Go on."""
        self._switch("resume", "RUNNING")

    def wait_until_copied(self, rows: int) -> None:
        """Wait until the tables have that many rows.

        Raises:
            StalledError: it took too long.
            PeerError: a connector failed.
        """
        begun = time.time()
        while self.rows() < rows:
            if time.time() - begun > PATIENCE_SECONDS:
                message = f"peer: {self.rows()} of {rows} rows after {PATIENCE_SECONDS:.0f} s"
                raise StalledError(message)
            for stream in self.topics:
                self._state(stream)
            time.sleep(LOOK_SECONDS)
        say(f"copied: {rows} rows in all, {time.time() - begun:.1f} s")

    def rows(self) -> int:
        """Rows in the tables."""
        return sum(commits[-1].rows for commits in self.copied().values() if commits)

    def copied(self) -> Mapping[str, list[Progress]]:
        """Commits of every table."""
        return {table: self._product.commits(table) for table in self.tables.values()}

    def _worker(self) -> dict[str, str]:
        return {
            "bootstrap.servers": self._product.settings.endpoints.kafka,
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "offset.storage.file.filename": str(self._stack.home.data / "connect.offsets"),
            "listeners": self._stack.connect_address,
            "plugin.discovery": "only_scan",
        }

    def _connector(self, stream: str) -> dict[str, str]:
        endpoints = self._product.settings.endpoints
        return {
            "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
            "tasks.max": "1",
            "topics": self.topics[stream],
            "iceberg.tables": self.tables[stream],
            "iceberg.catalog.type": "rest",
            "iceberg.catalog.uri": endpoints.catalog,
            "iceberg.control.topic": _control(stream),
            "iceberg.control.commit.interval-ms": str(round(self._product.settings.checkpoint_seconds * 1000)),
            "consumer.override.auto.offset.reset": "earliest",
        }

    def _switch(self, verb: str, state: str) -> None:
        for stream in self.topics:
            self._call("PUT", f"/connectors/{stream}/{verb}")
            self._wait_until(stream, state)
            # Kafka 4.3's standalone worker locks up for ever when two connectors are resumed at once.
            time.sleep(LOOK_SECONDS)

    def _wait_until(self, stream: str, state: str) -> None:
        while self._state(stream) != state:
            time.sleep(LOOK_SECONDS)

    def _state(self, stream: str) -> str:
        """State of a connector's only task; raises PeerError with the task's own trace when it has failed."""
        tasks = self._call("GET", f"/connectors/{stream}/status")["tasks"]
        if tasks and tasks[0]["state"] == "FAILED":
            raise PeerError(tasks[0].get("trace", "")[:2000])
        return str(tasks[0]["state"]) if tasks else "UNASSIGNED"

    def _wait_for_worker(self) -> None:
        begun = time.time()
        while True:
            try:
                self._call("GET", "/connectors")
            except (OSError, urllib.error.URLError):
                if time.time() - begun > PATIENCE_SECONDS:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._stack.connect_address + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")


def _control(stream: str) -> str:
    return f"peer.control.{stream}"
