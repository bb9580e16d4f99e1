"""Cheap chance: one seeded generator and distributions drawn once, from which samples are picked."""

from __future__ import annotations

import math
from random import Random
from typing import TypeVar

SAMPLES = 4096
Item = TypeVar("Item")


class Dice:
    """Everything random of one simulation, in the order in which it is asked for."""

    def __init__(self, seed: str) -> None:
        """Start from a text, so that every part of it counts."""
        self._random = Random(seed)  # noqa: S311 - nothing secret depends on it
        self.share = self._random.random

    def below(self, bound: int) -> int:
        """Return an integer of 0 to `bound` - 1."""
        return int(self.share() * bound)

    def pick(self, items: list[Item]) -> Item:
        """Return one of the items, each as likely."""
        return items[int(self.share() * len(items))]

    def digits(self, count: int) -> str:
        """Return so many hexadecimal digits."""
        return f"{self._random.getrandbits(4 * count):0{count}x}"

    def durations(self, median_ms: float, spread: float) -> list[int]:
        """Return a log-normal table of milliseconds to pick from; `spread` is the deviation of the logarithm."""
        return [max(1, round(median_ms * math.exp(self._random.gauss(0, spread)))) for _ in range(SAMPLES)]

    def zipf(self, items: list[Item], samples: int = SAMPLES, exponent: float = 1.1) -> list[Item]:
        """Return a table in which the item of rank k is picked in proportion to k ** -exponent."""
        weights = [rank**-exponent for rank in range(1, len(items) + 1)]
        return self._random.choices(items, weights, k=samples)
