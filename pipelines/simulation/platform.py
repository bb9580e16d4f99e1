"""The platform at work: which event happens at a given moment, so that pace is the caller's and causality is kept."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from pipelines.simulation.dice import Dice
from pipelines.simulation.lifecycle import Lifecycles

if TYPE_CHECKING:
    from pipelines.simulation.lifecycle import Event, Lifecycle


class Platform:
    """Runs in flight, each waiting for its next event.

    When nothing is due a new run begins, so the number of runs in flight settles by itself at what the asked pace needs.
    """

    def __init__(self, seed: str, tenants: int) -> None:
        """Populate the platform; nothing runs yet."""
        self._lifecycles = Lifecycles(Dice(seed), tenants)
        self._waiting: list[tuple[int, int, Lifecycle]] = []
        self._begun = 0

    def event_at(self, now: int) -> tuple[str, Event]:
        """Return the stream and the event that happens at `now` (epoch ms), which never goes back."""
        if self._waiting and self._waiting[0][0] <= now:
            _, number, life = heappop(self._waiting)
            stream, event, pause = life.send(now)
        else:
            self._begun += 1
            number, life = self._begun, self._lifecycles.life(now)
            stream, event, pause = next(life)
        if pause is not None:
            heappush(self._waiting, (now + pause, number, life))
        return stream, event
