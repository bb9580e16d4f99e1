"""What the figures were measured on: the machine, its load, the versions."""

import importlib.metadata
import os
import platform
from pathlib import Path

from deploy.local import versions

ENGINES = {
    "kafka": ("kafka_2.13",),
    "catalog": ("iceberg-open-api",),
    "flink": ("flink-sql-connector-kafka", "iceberg-flink-runtime-2.1"),
    "connect": ("iceberg-kafka-connect", "connect-runtime"),
}
LIBRARIES = ("apache-flink", "pyiceberg", "duckdb", "confluent-kafka")


def facts() -> dict[str, str]:
    """Cores, memory, and the load average of the last minute before the run."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory.split()[1]) / 1024**2:.0f} GiB",
        "system": platform.platform(aliased=True, terse=True),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def pinned() -> dict[str, str]:
    """Version of every engine and library that is measured."""
    groups = versions.load().groups
    engines = {artifact.name: artifact.version for name in ENGINES for artifact in groups[name].artifacts if artifact.name in ENGINES[name]}
    return {name: importlib.metadata.version(name) for name in LIBRARIES} | engines
