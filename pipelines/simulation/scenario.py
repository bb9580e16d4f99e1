"""What to simulate. The same scenario gives the same messages, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import ConfigurationError

BACKLOG_RATE = 1000.0
"""Events per second of simulated time when messages are sent as fast as possible."""


class ScenarioError(ConfigurationError):
    """A scenario contradicts itself; the message is `option: what`."""


@dataclass(frozen=True)
class Scenario:
    """Size, pace and faults of a simulation.

    `start_ms` is the simulated start in epoch ms, and with `seed` it decides everything, event ids included: another start
    is another world. `rate` is messages per second, 0 as fast as possible. `count` or `duration_s` ends it; without both it
    goes on for ever. The shares are of all messages. `spread_s` puts the event times evenly over that many seconds before
    the start instead of at sending time (a backfill), and needs an end.
    """

    start_ms: int
    seed: int = 7
    rate: float = 1000.0
    count: int | None = None
    duration_s: float | None = None
    duplicates: float = 0.0
    conflicts: float = 0.0
    late: float = 0.0
    malformed: float = 0.0
    spread_s: float = 0.0
    tenants: int = 40

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            ScenarioError: an option is out of range or contradicts another.
        """
        shares = {"duplicates": self.duplicates, "conflicts": self.conflicts, "late": self.late, "malformed": self.malformed}
        for name, share in shares.items():
            if not 0 <= share < 1:
                message = f"{name}: must be a share of at least 0 and less than 1"
                raise ScenarioError(message)
        if sum(shares.values()) >= 1:
            message = f"{', '.join(shares)}: leave no room for good events"
            raise ScenarioError(message)
        if self.rate < 0 or self.tenants < 1:
            message = "rate, tenants: must not be negative or none"
            raise ScenarioError(message)
        if self.total is None and (self.spread_s or not self.rate):
            message = "count: is needed with a backfill and with rate 0"
            raise ScenarioError(message)

    @property
    def total(self) -> int | None:
        """Number of messages, or None when nothing ends the simulation."""
        if self.count is not None:
            return self.count
        if self.duration_s is not None and self.rate:
            return round(self.rate * self.duration_s)
        return None

    def clock(self, number: int) -> int:
        """Return the simulated time of a message in epoch ms; a backlog ends at the start, live traffic begins there."""
        if self.rate and not self.spread_s:
            return self.start_ms + int(number * 1000 / self.rate)
        total = self.total or 1
        span_ms = self.spread_s * 1000 or total * 1000 / BACKLOG_RATE
        return self.start_ms - int((total - number) * span_ms / total)
