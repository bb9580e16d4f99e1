"""Streams made from files alone: what a stream costs that nobody has tuned."""

import shutil
from pathlib import Path

from contracts import registry as contract_registry
from kpis import registry as kpi_registry

STREAM = """stream: {name}
title: Toy {number}
description: A stream that was made for a measurement.
owner: benchmarks
version: 1.0.0
entities: [thing_id]
retention_days: 400
freshness_seconds: 15
fields:
  thing_id: {{type: string, max_length: 128, description: The thing.}}
  thing_kind: {{type: string, max_length: 64, description: What sort of thing it is.}}
  size: {{type: integer, min: 0, max: 1000000000, description: How large it is.}}
  duration_ms: {{type: integer, min: 0, max: 1000000000000, unit: ms, description: How long it took.}}
facts:
  {name}_events:
    description: Every event of the toy, once.
    events: [{name}.happened]
"""
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


def declare(folder: Path, count: int) -> tuple[Path, Path]:
    """Write the product's contracts and definitions and `count` toy streams below a folder; where they are."""
    contracts, definitions = folder / "contracts", folder / "definitions"
    for copy, root in ((contracts, contract_registry.ROOT), (definitions, kpi_registry.ROOT)):
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for number in range(1, count + 1):
        name = f"toy_{number}"
        events = contracts / "events" / name
        events.mkdir()
        (events / "stream.yaml").write_text(STREAM.format(name=name, number=number))
        (events / f"{name}.happened.yaml").write_text(EVENT.format(name=name, number=number))
        (definitions / "definitions" / f"{name}_size.yaml").write_text(SUM.format(name=name, number=number))
        (definitions / "definitions" / f"{name}_duration.yaml").write_text(HISTOGRAM.format(name=name, number=number))
    return contracts, definitions
