"""A service as written down: what should run (one file each, by the commands) and what does (by the supervisor)."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local import processes
from deploy.local.failures import SetupError
from deploy.local.home import Home
from deploy.local.processes import Identity

EXTRA_STAGE = 9


class ServiceError(SetupError):
    """There is no such service."""


@dataclass(frozen=True)
class Service:
    """One supervised process. `stage` orders the shutdown: the highest goes first."""

    name: str
    command: tuple[str, ...]
    directory: str
    environment: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    stage: int = EXTRA_STAGE
    stop_seconds: float = 10.0


@dataclass(frozen=True)
class Record:
    """The process that last ran a service, and how often it had to be started again."""

    process: Identity
    restarts: int


def mark(home: Home, name: str = "") -> str:
    """The marker of a service's processes; without a name, the beginning of all of a home's."""
    return f"{home.root}:{name}"


def load_services(home: Home) -> dict[str, Service]:
    """What should run."""
    services = {}
    for path in sorted(home.services.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        document |= {"command": tuple(document["command"]), "ports": tuple(document["ports"])}
        services[path.stem] = Service(**document)
    return services


def save_service(home: Home, service: Service) -> None:
    """Have the supervisor start it, within a fraction of a second."""
    write_atomically(home.services / f"{service.name}.json", json.dumps(asdict(service), indent=2))


def remove_service(home: Home, name: str) -> None:
    """Have the supervisor stop it."""
    (home.services / f"{name}.json").unlink(missing_ok=True)


def load_records(home: Home) -> dict[str, Record]:
    """What does run, or ran last; nothing before the first start."""
    try:
        document = json.loads(home.records.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: Record(Identity(entry["pid"], entry["started"]), entry["restarts"]) for name, entry in document.items()}


def save_records(home: Home, records: dict[str, Record]) -> None:
    """Written by the supervisor after every start and stop."""
    document = {name: {**asdict(record.process), "restarts": record.restarts} for name, record in records.items()}
    write_atomically(home.records, json.dumps(document, indent=2))


def write_atomically(path: Path, text: str) -> None:
    """A reader sees the old text or the new one, also when this process is killed."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def require_service(home: Home, name: str) -> Record:
    """The record of a service by name. Raises ServiceError, listing the names there are."""
    records = load_records(home)
    if name not in records:
        message = f"{name}: no such service in {home.root} (there are: {', '.join(records) or 'none'})"
        raise ServiceError(message)
    return records[name]


def running_processes(home: Home, name: str, record: Record | None) -> list[Identity]:
    """All processes of a service: the recorded one, what it started, and what an older one left behind."""
    found = processes.find_marked(mark(home, name))
    if record and record.process not in found and processes.is_alive(record.process):
        found.append(record.process)
    return found
