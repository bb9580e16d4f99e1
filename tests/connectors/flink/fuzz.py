"""Decoder against validator without end: `python -m tests.connectors.flink.fuzz --minutes 10`, a process per core."""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import islice
from multiprocessing import Pool
from random import Random

from contracts import registry
from contracts.rules import rules_json
from tests.connectors.flink.agreement import BATCH, disagreements
from tests.connectors.flink.harness import Harness
from tests.connectors.flink.mutants import Mutants


def fuzz(seed: int, seconds: float) -> tuple[int, str]:
    """Judge records until the time is over or one is judged differently; how many, and what was found."""
    contracts, until, judged = registry.load(), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for stream in contracts.streams.values():
            mutants = Mutants(stream, Random(f"{seed} {judged}"))
            with Harness(rules_json(stream)) as harness:
                for _ in range(20):
                    for found in disagreements(harness, contracts, stream, islice(mutants, BATCH)):
                        return judged, f"{stream.name}: {found!r}"
                    judged += BATCH
    return judged, ""


def main() -> int:
    """Report what was judged; 1 when decoder and validator differ, or the decoder failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    told = parser.parse_args()
    cores = os.cpu_count() or 1
    with Pool(cores) as pool:
        results = pool.starmap(fuzz, [(told.seed + number, told.minutes * 60) for number in range(cores)])
    sys.stdout.write(f"seed {told.seed}: {sum(judged for judged, _ in results):,} records judged\n")
    sys.stdout.writelines(f"{found}\n" for _, found in results if found)
    return int(any(found for _, found in results))


if __name__ == "__main__":
    sys.exit(main())
