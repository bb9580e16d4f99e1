"""The load: the product's own simulation, prepared as files and poured at once, or sent live at a steady rate.

Both sides get the same records, each in topics of its own, so that the load of one is no load of the other.
"""

import multiprocessing
import pickle
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Event

from connectors.kafka.producer import Producer
from connectors.kafka.records import Record, canonical
from contracts.registry import load
from pipelines.signals import stop_signal
from pipelines.simulation.messages import messages
from pipelines.simulation.scenario import Scenario
from pipelines.simulation.sending import simulate
from tests.benchmarks import toys
from tests.benchmarks.progress import say
from tests.benchmarks.scale import Scale

CHUNK = 2000
CONTRACTS = load()
_SPAWN = multiprocessing.get_context("spawn")

Topics = Mapping[str, str]
"""Topic by stream."""


def prepare(folder: Path, scale: Scale) -> list[Path]:
    """Write the warm-up and one backlog per round, two files at a time; no event is in two of them."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [scale.warm_up, *([scale.backlog] * scale.rounds)]
    jobs = [(folder / f"{number}.load", number, size, scale) for number, size in enumerate(sizes)]
    with _SPAWN.Pool(2) as pool:
        pool.starmap(_write, jobs)
    return [path for path, *_ in jobs]


def prepare_toys(folder: Path, scale: Scale) -> list[Path]:
    """The same of a wide toy's events."""
    sizes = [scale.warm_up, *([scale.backlog] * scale.rounds)]
    now_ms, first, paths = int(time.time() * 1000), 0, []
    for round_number, size in enumerate(sizes):
        path = folder / f"wide-{round_number}.load"
        numbers = iter(range(first, first + size))
        with path.open("wb") as file:
            while chunk := [_toy(number, now_ms) for number in islice(numbers, CHUNK)]:
                pickle.dump(chunk, file, protocol=pickle.HIGHEST_PROTOCOL)
        paths.append(path)
        first += size
    return paths


def pour(path: Path, bootstrap: str, topics: Topics) -> float:
    """Send a prepared file as fast as the broker takes it; the instant at which the last record was acknowledged."""
    begun = time.monotonic()
    with Producer(bootstrap) as producer:
        for stream, record in _read(path):
            producer.send_record(topics[stream], record)
    say(f"poured {producer.delivered} records in {time.monotonic() - begun:.1f} s")
    return time.time()


@contextmanager
def live(bootstrap: str, topics: Topics, scale: Scale, seed: int) -> Iterator[None]:
    """Send at the scale's rate, from a process of its own, until the block ends."""
    process = _SPAWN.Process(target=_send, args=(bootstrap, dict(topics), scale, seed))
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def mean_size(path: Path, count: int = 20_000) -> tuple[float, float]:
    """Bytes of a value, and of a key with headers, on average."""
    records = [record for _, record in islice(_read(path), count)]
    values = sum(len(record.value or b"") for record in records)
    rest = sum(len(record.key or b"") + sum(len(name) + len(value) for name, value in record.headers) for record in records)
    return values / len(records), rest / len(records)


def _write(path: Path, seed: int, size: int, scale: Scale) -> None:
    source = messages(Scenario(start_ms=int(time.time() * 1000), seed=seed, rate=0, count=size, duplicates=scale.duplicates, late=scale.late), CONTRACTS)
    with path.open("wb") as file:
        while chunk := [(one.stream, one.record.key, one.record.value, one.record.headers) for one in islice(source, CHUNK)]:
            pickle.dump(chunk, file, protocol=pickle.HIGHEST_PROTOCOL)


def _toy(number: int, now_ms: int) -> tuple[str, bytes, bytes, tuple[()]]:
    event = toys.wide_event(number, now_ms)
    return toys.WIDE, f"{event['tenant_id']}:{event['thing_id']}".encode(), canonical(event), ()


def _read(path: Path) -> Iterator[tuple[str, Record]]:
    with path.open("rb") as file:
        while True:
            try:
                chunk = pickle.load(file)  # noqa: S301 - written by this run
            except EOFError:
                return
            for stream, key, value, headers in chunk:
                yield stream, Record(key, value, headers)


def _send(bootstrap: str, topics: Topics, scale: Scale, seed: int) -> None:
    stop: Event = stop_signal()
    scenario = Scenario(start_ms=int(time.time() * 1000), seed=seed, rate=scale.rate, duration_s=86_400, duplicates=scale.duplicates, late=scale.late)
    with Producer(bootstrap) as producer:
        simulate(scenario, CONTRACTS, producer, topics, stop)
