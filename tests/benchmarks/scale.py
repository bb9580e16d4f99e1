"""How large a run of the benchmark is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes in events, durations in seconds; every round measures the product, then the peer."""

    rounds: int = 2
    warm_up: int = 600_000
    backlog: int = 1_000_000
    rate: float = 1000.0
    live_seconds: float = 120.0
    idle_seconds: float = 40.0
    kills: int = 2
    duplicates: float = 0.02
    late: float = 0.02


QUICK = Scale(rounds=1, warm_up=150_000, backlog=250_000, live_seconds=30.0, idle_seconds=15.0, kills=1)
