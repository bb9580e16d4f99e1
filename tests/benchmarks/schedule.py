"""The order of a run: warm-up, then product and peer in turn at both loads, then kills; figures as plain values."""

import signal
import time
from dataclasses import asdict
from math import nan
from pathlib import Path
from statistics import median

from connectors.kafka.topics import Topics
from pipelines.deployment.cutover import cancel
from tests.benchmarks import load, sizes
from tests.benchmarks.costs import APART, Figures, backlog_costs
from tests.benchmarks.figures import percentiles
from tests.benchmarks.journals import Journals
from tests.benchmarks.latency import Publications
from tests.benchmarks.meters import Meter
from tests.benchmarks.peer import Peer
from tests.benchmarks.product import PATIENCE_SECONDS, Product
from tests.benchmarks.progress import say
from tests.benchmarks.scale import Scale
from tests.benchmarks.stack import Stack

SERVICES = ("taskmanager", "jobmanager", "catalog", "kafka", "canaries", "audit", "connect")
SETTLE_SECONDS = 10.0


class Schedule:
    """One run on a started stack; every method adds its figures."""

    def __init__(self, stack: Stack, scale: Scale) -> None:
        """Nothing is measured yet."""
        self._stack = stack
        self._scale = scale
        self._meter = Meter(stack, SERVICES)
        self._product = Product(stack)
        self._peer = Peer(stack, self._product)
        self._kafka = self._product.settings.endpoints.kafka
        self._files: list[Path] = []
        self._live_spans: list[tuple[float, float]] = []
        self.figures: Figures = {"product": {}, "peer": {}}

    def run(self) -> Figures:
        """Everything, in order."""
        self._begin()
        for number, file in enumerate(self._files):
            name = f"backlog {number}" if number else "warm-up"
            self._add("product", name, self._product_backlog(file))
            self._add("peer", name, self._peer_backlog(file))
        for number in range(1, self._scale.rounds + 1):
            self._product.resume()
            if number == 1:
                self._add("product", "idle", self._idle(("taskmanager", "audit", "canaries")))
            self._add("product", f"live {number}", self._product_live(number))
            self._product.hold()
            self._peer.resume()
            if number == 1:
                self._add("peer", "idle", self._idle(("connect",)))
            self._add("peer", f"live {number}", self._peer_live(number))
            self._peer.hold()
        self._product.resume()
        self.figures["recovery"] = self._recoveries()
        self._end()
        self._product.hold()
        cancel(self._product.settings)
        self._journals()
        return self.figures

    def run_journals(self) -> Figures:
        """The journals' path alone, beside the peer."""
        self._prepare()
        self._product.provide()
        self._peer.start()
        self._peer.hold()
        self._meter.start()
        self._journals()
        return self.figures

    def _journals(self) -> None:
        self.figures["journals"] = Journals(self._stack, self._product, self._peer, self._meter, self._scale).run(self._files)
        self._meter.stop()

    def _prepare(self) -> None:
        say("preparing the load")
        self._files = load.prepare(self._stack.home.root / "load", self._scale)
        value, rest = load.mean_size(self._files[0])
        self.figures["event"] = {"value_bytes": value, "key_and_header_bytes": rest}

    def _begin(self) -> None:
        self._prepare()
        self._product.start()
        self._peer.start()
        self._peer.hold()
        self._product.hold()
        self._meter.start()

    def _end(self) -> None:
        publications = Publications(self._product)
        facts = [delay for span in self._live_spans for delay in publications.fact_delays(*span)]
        kpis = [delay for span in self._live_spans for delay in publications.kpi_delays(*span)]
        self.figures["latency"] = {"events": len(facts), "facts": percentiles(facts), "kpis": percentiles(kpis)}
        self.figures["audit"] = {"peak_megabytes": self._meter.peak_megabytes("audit")}
        self.figures["memory"] = {name: self._meter.peak_megabytes(name) for name in SERVICES}
        tables = [*self._product.journals.values(), *self._product.partials, *self._audit_tables(), *self._peer.tables.values()]
        self.figures["sizes"] = [asdict(self._size(name)) for name in tables]

    def _product_backlog(self, file: Path) -> Figures:
        self._product.resume()
        began, rows, compiled = time.time(), self._partial_rows(), self._meter.compiling("taskmanager")
        poured = load.pour(file, self._kafka, self._product.topics)
        audited = self._product.wait_until_audited(poured, file.name)
        ended = time.time()
        found = backlog_costs(self._meter, "taskmanager", self._product.journaled(), (began, ended), self._sent(file))
        found["audit"] = {"core_seconds_per_million": self._meter.used("audit", began, ended) / self._sent(file) * 1e6, "seconds_behind": audited}
        found["partial_rows_per_event"] = (self._partial_rows() - rows) / self._sent(file)
        found["compiling_core_seconds"] = self._meter.compiling("taskmanager") - compiled
        self._product.hold()
        return found

    def _peer_backlog(self, file: Path) -> Figures:
        self._peer.resume()
        time.sleep(SETTLE_SECONDS / 2)
        began, rows, compiled = time.time(), self._peer.rows(), self._meter.compiling("connect")
        load.pour(file, self._kafka, self._peer.topics)
        self._peer.wait_until_copied(rows + self._sent(file))
        ended = time.time()
        found = backlog_costs(self._meter, "connect", self._peer.copied(), (began, ended), self._sent(file))
        found["compiling_core_seconds"] = self._meter.compiling("connect") - compiled
        self._peer.hold()
        return found

    def _sent(self, file: Path) -> int:
        return self._scale.backlog if self._files.index(file) else self._scale.warm_up

    def _idle(self, names: tuple[str, ...]) -> Figures:
        time.sleep(SETTLE_SECONDS)
        began = time.time()
        say(f"idle for {self._scale.idle_seconds:.0f} s")
        time.sleep(self._scale.idle_seconds)
        ended = time.time()
        found: Figures = {"cores": self._cores((*names, *APART), began, ended)}
        if "audit" in names:
            seconds = self._product.cycles(began, ended)
            found["cycle_seconds"] = {"median": median(seconds or [nan]), "max": max(seconds, default=nan)}
        return found

    def _product_live(self, number: int) -> Figures:
        with load.live(self._kafka, self._product.topics, self._scale, 100 + number):
            time.sleep(SETTLE_SECONDS)
            began, offsets, rows = time.time(), self._offsets(self._product.topics), self._partial_rows()
            self._stay_live(number, "product")
            ended, events, grown = time.time(), self._offsets(self._product.topics) - offsets, self._partial_rows() - rows
            self._product.wait_until_audited(ended, "the live load")
        self._live_spans.append((began, ended))
        found = self._live_costs(("taskmanager", "audit"), began, ended, events)
        found["partial_rows_per_event"] = grown / events
        return found

    def _peer_live(self, number: int) -> Figures:
        with load.live(self._kafka, self._peer.topics, self._scale, 100 + number):
            time.sleep(SETTLE_SECONDS)
            began, offsets = time.time(), self._offsets(self._peer.topics)
            self._stay_live(number, "peer")
            ended, events = time.time(), self._offsets(self._peer.topics) - offsets
        found = self._live_costs(("connect",), began, ended, events)
        time.sleep(SETTLE_SECONDS)
        return found

    def _stay_live(self, number: int, side: str) -> None:
        say(f"{side}, round {number}: {self._scale.rate:.0f} events/s for {self._scale.live_seconds:.0f} s")
        time.sleep(self._scale.live_seconds)

    def _recoveries(self) -> list[Figures]:
        found = []
        with load.live(self._kafka, self._product.topics, self._scale, 999):
            for number in range(1, self._scale.kills + 1):
                time.sleep(SETTLE_SECONDS * 2)
                killed = time.time()
                self._stack.send("taskmanager", signal.SIGKILL)
                say(f"kill {number} of the TaskManager")
                facts = self._wait_for(killed, 0)
                found.append({"facts_seconds": facts, "kpis_seconds": self._wait_for(killed, 1)})
                say(f"audited again: facts {facts:.1f} s, KPIs {found[-1]['kpis_seconds']:.1f} s after the kill")
        return found

    def _wait_for(self, killed: float, which: int) -> float:
        while self._product.audited_through()[which] <= killed and time.time() - killed < PATIENCE_SECONDS:
            time.sleep(0.25)
        return time.time() - killed

    def _live_costs(self, names: tuple[str, ...], began: float, ended: float, events: int) -> Figures:
        cores = self._cores((*names, *APART), began, ended)
        rate = events / (ended - began)
        return {"events_per_second": rate, "cores": cores, "core_seconds_per_million": {name: value / rate * 1e6 for name, value in cores.items()}}

    def _offsets(self, topics: load.Topics) -> int:
        """Records in the topics, canaries included."""
        admin = Topics(self._kafka)
        return sum(end for topic in topics.values() for _, end in admin.offsets(topic).values())

    def _cores(self, names: tuple[str, ...], began: float, ended: float) -> dict[str, float]:
        return {name: self._meter.used(name, began, ended) / (ended - began) for name in names}

    def _partial_rows(self) -> int:
        return sum(self._product.commits(name)[-1].rows for name in self._product.partials)

    def _audit_tables(self) -> tuple[str, ...]:
        corrections = (name.replace("partials.", "audit.") for name in self._product.partials)
        return (*corrections, *self._product.duplicates, "ops.completeness", "ops.dataset_status")

    def _size(self, name: str) -> sizes.Size:
        table = self._product.catalog.load_table(name)
        return sizes.measure(name, table.location(), self._product.commits(name)[-1].rows, len(table.metadata.snapshots))

    def _add(self, side: str, name: str, found: Figures) -> None:
        self.figures[side][name] = found
        say(f"{side}, {name}: {_brief(found)}")


def _brief(found: Figures) -> str:
    return ", ".join(f"{key} {value:.2f}" for key, value in found.items() if isinstance(value, float))
