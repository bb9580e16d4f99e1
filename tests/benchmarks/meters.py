"""Processor time and memory of the processes under test, read from /proc several times a second."""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.stack import Stack

PERIOD_SECONDS = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


class Meter:
    """Core-seconds of every service over time; runs in a thread of its own between `start` and `stop`."""

    def __init__(self, stack: Stack, names: tuple[str, ...]) -> None:
        """`names` are services of the stack."""
        self._stack = stack
        self._names = names
        self._samples: list[tuple[float, Mapping[str, float]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; services that are not there count as zero."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was read stays."""
        self._stop.set()
        self._thread.join()

    def used(self, name: str, since: float, until: float) -> float:
        """Core-seconds of a service between two instants (seconds since the epoch)."""
        return self.at(name, until) - self.at(name, since)

    def at(self, name: str, moment: float) -> float:
        """Core-seconds of a service since its start, interpolated; the last reading after the end."""
        samples = self._samples
        place = bisect_left(samples, moment, key=lambda sample: sample[0])
        if place in {0, len(samples)}:
            return samples[min(place, len(samples) - 1)][1][name]
        (before, low), (after, high) = samples[place - 1], samples[place]
        return low[name] + (high[name] - low[name]) * (moment - before) / (after - before)

    def compiling(self, name: str) -> float:
        """Core-seconds that a Java process has spent on compiling itself; the threads that are left, so nearly all."""
        found = 0.0
        for task in (_PROC / str(self._stack.pid(name)) / "task").iterdir():
            with suppress(OSError):
                if (task / "comm").read_text().startswith(("C1 ", "C2 ")):
                    found += _processor(task)
        return found

    def peak_megabytes(self, name: str) -> float:
        """Greatest resident memory since the process started, in 10^6 bytes."""
        text = (_PROC / str(self._stack.pid(name)) / "status").read_text()
        kilobytes = next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024 / 1e6

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            self._samples.append((time.time(), {name: self._read(name) for name in self._names}))

    def _read(self, name: str) -> float:
        if self._stack.has(name):
            with suppress(OSError):
                return _processor(_PROC / str(self._stack.pid(name)))
        return 0.0


def _processor(folder: Path) -> float:
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
