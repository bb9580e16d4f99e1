"""A world made by hand: what is appended and committed, step by step, and the audit that looks at it."""

from contracts.datasets import journal_of, partial_of
from pipelines.audit.decisions.cycle import BITE, Auditor
from pipelines.audit.publication import Hold
from tests.pipelines.audit.simulation.catalog import Catalog, File, Record, Row
from tests.pipelines.audit.simulation.rival import Killed
from tests.pipelines.audit.simulation.simulated_lake import SimulatedLake


class Scene:
    """A catalog of the streams a and b with one partition each, an auditor, and a count of its steps."""

    def __init__(self, budget: int = 5, bite: int = BITE) -> None:
        self.catalog = Catalog({"a": 1, "b": 1})
        self.open: dict[str, list[Record]] = {"a": [], "b": []}
        self.steps = 0
        self.dies_at = -1
        self.budget = budget
        self.bite = bite
        self.failing: set[str] = set()
        self.auditor = self.start()

    def start(self) -> Auditor:
        lake = SimulatedLake(self.catalog, self.step, lambda: 0, self.failing.__contains__)
        return Auditor(lake, budget=self.budget, bite=self.bite)

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise Killed

    def deliver(self, stream: str, *kinds: str, through: int, miscounted: int = 0) -> None:
        """Records of these kinds one millisecond apart that end at `through`; journal and the window they fill, committed."""
        log = self.catalog.logs[stream][0]
        first = through - len(kinds) + 1
        records = [Record(0, len(log) + i, kind, 1000 * through + i, i + 1, first + i) for i, kind in enumerate(kinds)]
        log.extend(records)
        valid = [record for record in records if record.kind == "valid"]
        self.catalog.commit(journal_of(stream), (File(tuple(valid)),), 0)
        waiting = self.open[stream] + valid
        closed = [record for record in waiting if record.window_end <= through]
        self.open[stream] = [record for record in waiting if record.window_end > through]
        for name, keys in (("kpis", 2), ("runs", 3)):
            rows = [Row(stream, r.window_end, r.identity % keys, 1 + miscounted, r.payload, r.payload) for r in closed]
            self.catalog.commit(partial_of(name), (File(tuple(rows)),), 0)

    def miscount(self, stream: str) -> Hold:
        """Let a stream count one too many in a window and be judged; the hold that comes of it."""
        self.deliver(stream, "valid", "valid", "valid", through=11, miscounted=1)
        self.auditor.run(0)
        hold = self.hold(stream)
        assert hold
        return hold

    def hold(self, stream: str) -> Hold | None:
        return self.catalog.recorded[-1].streams[stream].hold

    def proved(self, stream: str) -> int:
        return self.catalog.recorded[-1].streams[stream].windows["kpis"].proved
