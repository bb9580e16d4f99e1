"""Choosing the snapshot of each partial table that one cycle publishes."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.datasets import partial_of
from pipelines.audit.decisions import cut
from pipelines.audit.decisions.lake import Commit, Lake, Span
from pipelines.audit.publication import Publication

GRACE_MS = 3_000
"""How long the others wait for a held stream that is due again: its journal is often committed a moment after the partials."""


@dataclass(frozen=True, slots=True)
class PartialCut:
    """The snapshot of one partial table to be judged, and each stream's new windows in it."""

    snapshot: int
    spans: Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class Reach:
    """What the opened journals have reached, epoch ms per stream, and the streams whose journal goes on behind what is opened."""

    ms: Mapping[str, int]
    bitten: frozenset[str] = frozenset()

    def without(self, streams: frozenset[str]) -> "Reach":
        """The other streams."""
        return Reach({stream: at for stream, at in self.ms.items() if stream not in streams}, self.bitten - streams)


class PartialCuts:
    """The partial tables as one cycle found them; what was looked up is kept. `bite`: rows of one table that are opened at once."""

    def __init__(self, lake: Lake, published: Publication, heads: Mapping[str, int], bite: int) -> None:
        self._lake = lake
        self._published = published
        self._heads = heads
        self._bite = bite
        self._commits: dict[str, tuple[Commit, ...]] = {}
        self._found: dict[tuple[str, int], Mapping[str, Span]] = {}

    @property
    def are_bitten(self) -> bool:
        """True when more commits wait than one cycle opens."""
        return any(cut.bite(self.waiting(name), self._bite) < len(self.waiting(name)) for name in self._lake.partials)

    def choose(self, reach: Reach, now_ms: int, patience_ms: int) -> Mapping[str, PartialCut]:
        """The newest snapshot per partial table that every journal is past; without the held ones, and those that block for too long.

        A journal that goes on behind its bite blocks for as long as that takes.
        """
        held = frozenset(stream for stream in reach.ms if self._published.streams[stream].hold)
        free = reach.without(held)
        chosen: dict[str, PartialCut] = {}
        blocking: set[str] = set()
        for name in self._lake.partials:
            waiting = self.waiting(name)
            found = (self._newest(name, reach.ms) if held else None) or self._newest(name, free.ms)
            if found:
                chosen[name] = found
            elif waiting and now_ms - waiting[0].committed_ms >= patience_ms:
                blocking |= self.lagging_first(name, free.ms) - free.bitten
        return self.choose(reach.without(frozenset(blocking)), now_ms, patience_ms) if blocking else chosen

    def may_catch_up(self, reach: Reach, now_ms: int) -> bool:
        """True when a held stream lags behind a partial snapshot, and none has waited for long."""
        held = {stream: at for stream, at in reach.ms.items() if self._published.streams[stream].hold and stream not in reach.bitten}
        for name in self._lake.partials if held else ():
            waiting = self.waiting(name)
            if waiting and now_ms - waiting[0].committed_ms < GRACE_MS and cut.lagging(self._spans(name, waiting[-1]), held):
                return True
        return False

    def waiting(self, name: str) -> tuple[Commit, ...]:
        """Commits to a partial table after the tagged one, through the head as this cycle saw it."""
        if name not in self._commits:
            self._commits[name] = self._look(partial_of(name))
        return self._commits[name]

    def lagging_first(self, name: str, reach_ms: Mapping[str, int]) -> frozenset[str]:
        """Streams without which the oldest snapshot with newer windows would fit."""
        for commit in self.waiting(name):
            if self._has_grown(name, commit):
                return cut.lagging(self._spans(name, commit), reach_ms)
        return frozenset()

    def _newest(self, name: str, reach_ms: Mapping[str, int]) -> PartialCut | None:
        """Within the bite the newest snapshot that fits; behind it the first, so that windows which came again are passed."""
        waiting = self.waiting(name)
        bite = cut.bite(waiting, self._bite)
        # Later snapshots have all windows of earlier ones: behind the first that is too new every one is.
        fitting = bisect_left(range(len(waiting)), x=True, key=lambda place: bool(cut.lagging(self._spans(name, waiting[place]), reach_ms)))
        within, behind = waiting[: min(bite, fitting)], waiting[bite:fitting]
        grown = next((commit for commit in (*reversed(within), *behind) if self._has_grown(name, commit)), None)
        return PartialCut(grown.snapshot, self._spans(name, grown)) if grown else None

    def _has_grown(self, name: str, commit: Commit) -> bool:
        return cut.has_grown(self._spans(name, commit), name, self._published.streams)

    def _spans(self, name: str, commit: Commit) -> Mapping[str, Span]:
        key = name, commit.snapshot
        if key not in self._found:
            table = partial_of(name)
            self._found[key] = self._lake.window_spans(table, self._published.targets[table], commit.snapshot)
        return self._found[key]

    def _look(self, table: str) -> tuple[Commit, ...]:
        since, head = self._published.targets[table], self._heads[table]
        if head == since:
            return ()
        return cut.through(self._lake.commits(table, since), head)
