"""What a stack looks like from outside: one row per service."""

import json
from dataclasses import asdict, dataclass

from deploy.local import processes, readiness, services, supervisor
from deploy.local.home import Home

_HEADER = ("SERVICE", "STATE", "PID", "PORT", "RSS MB", "CPU S", "UPTIME S", "RESTARTS")


@dataclass(frozen=True)
class Row:
    """One service. Memory in megabytes (10^6 bytes), times in seconds; `port` is the one clients use."""

    name: str
    state: str
    pid: int | None
    port: int | None
    resident_megabytes: float
    cpu_seconds: float
    uptime_seconds: float
    restarts: int


def survey(home: Home) -> list[Row]:
    """All services that should run, the supervisor first.

    States: `ready`, `running` (without a check of its own), `starting`, `restarting`, `stopped`.
    """
    guard = supervisor.find(home)
    usage = processes.measure([guard] if guard else [])
    state = "running" if guard else "stopped"
    head = Row("supervisor", state, guard.pid if guard else None, None, *_figures(usage), 0)
    endpoints = json.loads(home.endpoints.read_text(encoding="utf-8")) if home.endpoints.exists() else {}
    wanted = sorted(services.load_services(home).values(), key=lambda service: service.stage)
    return [head, *(_row(home, service, endpoints, supervised=guard is not None) for service in wanted)]


def is_healthy(rows: list[Row]) -> bool:
    """Whether everything that should run does its work."""
    return all(row.state in {"ready", "running"} for row in rows)


def render_table(rows: list[Row]) -> str:
    """The rows for a person, with the sum of the memory."""
    cells = [_HEADER, *(tuple("-" if value is None else str(value) for value in asdict(row).values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([*lines, f"memory in all: {sum(row.resident_megabytes for row in rows):.0f} MB"])


def render_json(home: Home, rows: list[Row]) -> str:
    """The rows for a program."""
    return json.dumps({"home": str(home.root), "services": [asdict(row) for row in rows]}, indent=2)


def _row(home: Home, service: services.Service, endpoints: dict[str, str], *, supervised: bool) -> Row:
    record = services.load_records(home).get(service.name)
    alive = record is not None and processes.is_alive(record.process)
    usage = processes.measure(services.running_processes(home, service.name, record))
    if alive:
        checked = service.name in readiness.CHECKS
        state = "running" if not checked else "ready" if readiness.is_ready(service.name, endpoints) else "starting"
    else:
        state = "restarting" if supervised else "stopped"
    pid = record.process.pid if record and alive else None
    port = service.ports[0] if service.ports else None
    return Row(service.name, state, pid, port, *_figures(usage), record.restarts if record else 0)


def _figures(usage: processes.Usage) -> tuple[float, float, float]:
    return round(usage.resident / 1e6, 1), round(usage.processor, 2), round(usage.uptime, 1)
