"""The journals' path alone: the job without partial aggregates beside the peer, and a stream of many fields beside one of few."""

import time
from collections.abc import Mapping
from pathlib import Path

from connectors.flink import session
from connectors.flink.rest import FlinkRest
from connectors.kafka.topics import Topics
from pipelines.deployment.cutover import flink_settings
from pipelines.deployment.provisioning import apply
from pipelines.intake.statements import JOB_NAME, StreamStart, statement_set
from pipelines.workspace import Workspace, read
from tests.benchmarks import load, toys
from tests.benchmarks.costs import Figures, backlog_costs
from tests.benchmarks.meters import Meter
from tests.benchmarks.peer import Peer
from tests.benchmarks.product import PATIENCE_SECONDS, Product, StalledError
from tests.benchmarks.progress import say
from tests.benchmarks.scale import Scale
from tests.benchmarks.stack import Stack

FIELDS = (30, 70)
"""How many fields the toy streams have; their events carry the same few of them."""
LOOK_SECONDS = 0.5
SETTLE_SECONDS = 5.0


class Journals:
    """Jobs that do nothing but decode, judge and journal, one after the other on an otherwise idle cluster."""

    def __init__(self, stack: Stack, product: Product, peer: Peer, meter: Meter, scale: Scale) -> None:
        """Nothing is measured yet; product and peer have their tables, no job runs."""
        self._stack = stack
        self._product = product
        self._peer = peer
        self._meter = meter
        self._scale = scale
        self._kafka = product.settings.endpoints.kafka

    def run(self, files: list[Path]) -> Figures:
        """Costs by name and round, of the journals of the product, the peer, and streams by their number of fields."""
        folder = self._stack.home.root / "wide"
        contracts, definitions = toys.declare_wide(folder, FIELDS)
        space = read(self._product.settings, contracts, definitions)
        for line in apply(space):
            say(line)
        found: Figures = {}
        self._measure(space, "journals", self._product.topics, files, found)
        for number, file in enumerate(files):
            found[f"connect {_round(number)}"] = self._copied(file, self._size(number))
        events = load.prepare_toys(folder, self._scale)
        for fields in FIELDS:
            name = toys.wide_name(fields)
            self._measure(space, f"{fields} fields", {toys.WIDE: space.topics[name]}, events, found)
        return found

    def _measure(self, space: Workspace, what: str, topics: load.Topics, files: list[Path], found: Figures) -> None:
        """Start a job over some topics, pour one file after the other and wait for its rows; `topics` by stream as the files name them."""
        streams = {name for name, topic in space.topics.items() if topic in topics.values()}
        job = self._submit(space, streams)
        tables = [space.contracts.streams[name].journal for name in sorted(streams)]
        for number, file in enumerate(files):
            rows, events = self._rows(tables), self._size(number)
            began = time.time()
            load.pour(file, self._kafka, topics)
            self._await(tables, rows + events, what)
            commits = {name: self._product.commits(name) for name in tables}
            found[f"{what} {_round(number)}"] = backlog_costs(self._meter, "taskmanager", commits, (began, time.time()), events)
            say(f"{what}, {_round(number)}: {found[f'{what} {_round(number)}']['total_core_seconds_per_million']:.2f} core-s / M")
        FlinkRest(space.settings.endpoints.flink).cancel(job)
        time.sleep(SETTLE_SECONDS)

    def _copied(self, file: Path, events: int) -> Figures:
        self._peer.resume()
        time.sleep(SETTLE_SECONDS)
        began, rows = time.time(), self._peer.rows()
        load.pour(file, self._kafka, self._peer.topics)
        self._peer.wait_until_copied(rows + events)
        costs = backlog_costs(self._meter, "connect", self._peer.copied(), (began, time.time()), events)
        self._peer.hold()
        return costs

    def _submit(self, space: Workspace, streams: set[str]) -> str:
        """A job that journals these streams from where their topics end now."""
        endpoints = space.settings.endpoints
        admin = Topics(self._kafka)
        ends = {name: {partition: end for partition, (_, end) in admin.offsets(space.topics[name]).items()} for name in streams}
        starts: Mapping[str, StreamStart] = {name: StreamStart(positions) for name, positions in ends.items()}
        statements = statement_set(space.contracts, space.definitions, endpoints.kafka, endpoints.catalog, starts)
        inserts = [statements.inserts[space.contracts.streams[name].journal] for name in sorted(streams)]
        job = session.submit(flink_settings(space.settings), statements.declarations, inserts)
        flink = FlinkRest(endpoints.flink)
        while len(set(flink.tasks_running(job))) > 1:
            time.sleep(LOOK_SECONDS)
        say(f"{JOB_NAME} journals {', '.join(sorted(streams))} and nothing else")
        return job

    def _rows(self, tables: list[str]) -> int:
        return sum(self._product.commits(name)[-1].rows for name in tables)

    def _await(self, tables: list[str], rows: int, what: str) -> None:
        begun = time.time()
        while self._rows(tables) < rows:
            if time.time() - begun > PATIENCE_SECONDS:
                message = f"{what}: {self._rows(tables)} of {rows} rows after {PATIENCE_SECONDS:.0f} s"
                raise StalledError(message)
            time.sleep(LOOK_SECONDS)

    def _size(self, number: int) -> int:
        return self._scale.backlog if number else self._scale.warm_up


def _round(number: int) -> str:
    return f"backlog {number}" if number else "warm-up"
