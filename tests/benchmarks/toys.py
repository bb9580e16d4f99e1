"""Streams made from files alone: what a stream costs that nobody has tuned."""

import shutil
from pathlib import Path

from contracts import registry as contract_registry
from kpis import registry as kpi_registry

HEAD = """stream: {name}
title: {title}
description: A stream that was made for a measurement.
owner: benchmarks
version: 1.0.0
entities: [thing_id]
retention_days: 400
freshness_seconds: 15
fields:
  thing_id: {{type: string, max_length: 128, description: The thing.}}
"""
STREAM = (
    HEAD
    + """  thing_kind: {{type: string, max_length: 64, description: What sort of thing it is.}}
  size: {{type: integer, min: 0, max: 1000000000, description: How large it is.}}
  duration_ms: {{type: integer, min: 0, max: 1000000000000, unit: ms, description: How long it took.}}
facts:
  {name}_events:
    description: Every event of the toy, once.
    events: [{name}.happened]
"""
)
EVENT = """event: {name}.happened
title: Toy {number} happened
description: Something happened to a thing.
required: [thing_id, thing_kind]
optional: [size, duration_ms]
"""
SUM = """kpi: {name}_size
title: Size of toy {number}
description: Sum of the sizes.
owner: benchmarks
unit: tokens
better: neutral
stream: {name}
sum: size
dimensions: [thing_kind]
"""
HISTOGRAM = """kpi: {name}_duration
title: Duration of toy {number}
description: How long it took.
owner: benchmarks
unit: ms
better: lower
stream: {name}
histogram: duration_ms
dimensions: [thing_kind]
"""
WIDE = "wide"
"""Name of the toys of many fields in a file of their events."""
WIDE_EVENT = "thing.happened"
OWN_CARRIED = 12
WIDE_STREAM = (
    HEAD
    + """{own}facts:
  {name}_events:
    description: Every event of the toy, once.
    events: [thing.happened]
  {name}_others:
    description: Nothing ever.
    events: [thing.rested]
"""
)
WIDE_TYPES = ("{type: string, max_length: 64,", "{type: integer, min: 0, max: 1000000000,", "{type: time,", "{type: number, min: 0, max: 1,")


def wide_name(fields: int) -> str:
    """Name of the toy stream that has so many fields, those of the envelope with them."""
    return f"{WIDE}_{fields}"


def wide_fields(count: int) -> list[str]:
    """Names of so many fields of a toy's own."""
    return [f"own_{number}" for number in range(count)]


def declare_wide(folder: Path, sizes: tuple[int, ...]) -> tuple[Path, Path]:
    """Write the product's contracts and definitions and a toy stream for each number of fields below a folder; where they are.

    All of them carry OWN_CARRIED of their own fields on WIDE_EVENT, and the rest on an event type that is never sent.
    """
    contracts, definitions = declare(folder, 0)
    envelope = len(next(iter(contract_registry.load().streams.values())).envelope)
    for fields in sizes:
        name, own = wide_name(fields), wide_fields(fields - envelope - 1)
        events = contracts / "events" / name
        events.mkdir()
        lines = "".join(f"  {one}: {WIDE_TYPES[place % len(WIDE_TYPES)]} description: Something told.}}\n" for place, one in enumerate(own))
        (events / "stream.yaml").write_text(WIDE_STREAM.format(name=name, title=f"Toy of {fields} fields", own=lines))
        for event, carried in ((WIDE_EVENT, own[:OWN_CARRIED]), ("thing.rested", own)):
            text = f"event: {event}\ntitle: Thing\ndescription: Something happened.\nrequired: [thing_id]\noptional: [{', '.join(carried)}]\n"
            (events / f"{event}.yaml").write_text(text)
    return contracts, definitions


def wide_event(number: int, now_ms: int) -> dict[str, object]:
    """An event that every wide toy accepts."""
    values = (f"value-{number % 1000}", number % 1_000_000, now_ms, 0.25)
    own = {name: values[place % len(values)] for place, name in enumerate(wide_fields(OWN_CARRIED))}
    envelope = {"schema_version": 1, "event_time": now_ms, "source": "benchmark", "region": "eu", "environment": "dev"}
    return {"event_id": f"e-{number}", "event_type": WIDE_EVENT, **envelope, "tenant_id": f"tenant-{number % 50}", "thing_id": f"thing-{number % 9999}", **own}


def declare(folder: Path, count: int) -> tuple[Path, Path]:
    """Write the product's contracts and definitions and `count` toy streams below a folder; where they are."""
    contracts, definitions = folder / "contracts", folder / "definitions"
    for copy, root in ((contracts, contract_registry.ROOT), (definitions, kpi_registry.ROOT)):
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for number in range(1, count + 1):
        name = f"toy_{number}"
        events = contracts / "events" / name
        events.mkdir()
        (events / "stream.yaml").write_text(STREAM.format(name=name, title=f"Toy {number}"))
        (events / f"{name}.happened.yaml").write_text(EVENT.format(name=name, number=number))
        (definitions / "definitions" / f"{name}_size.yaml").write_text(SUM.format(name=name, number=number))
        (definitions / "definitions" / f"{name}_duration.yaml").write_text(HISTOGRAM.format(name=name, number=number))
    return contracts, definitions
