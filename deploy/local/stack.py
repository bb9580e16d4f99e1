"""Brings a whole stack up and down: what is wanted, in which order, and how to tell that it works."""

import base64
import fcntl
import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deploy.local import configuration, decoder, engines, fetch, logs, ports, processes, readiness, services, supervisor, versions
from deploy.local.engines import Machine
from deploy.local.failures import DeployError, SetupError
from deploy.local.home import Home
from deploy.local.services import Record, Service
from deploy.local.toolchain import find_java

READY_SECONDS = 300.0
# This many restarts before it was ready once: waiting longer will not help.
HOPELESS_RESTARTS = 3
_POLL_SECONDS = 0.25
_REMINDER_SECONDS = 20.0


class NotReadyError(DeployError):
    """A service was started but does not do its work."""


class StackError(SetupError):
    """What runs is not what was asked for."""


def up(home: Home, extra: list[str], environment: Mapping[str, str]) -> None:
    """Start what does not run yet and return when all of it is ready; may be repeated.

    Raises a DeployError that says what to do; what was started by then goes on running.
    """
    home.create()
    with _exclusively(home):
        known = services.load_services(home)
        # What was asked for once belongs to the stack until `down`, also after a crash.
        wanted = [name for name in engines.STARTS if name in (*engines.ALWAYS, *extra, *known)]
        if supervisor.find(home) and known.keys() >= set(wanted):
            _name_decoders(home, environment)
            print(f"already running in {home.root}")
        else:
            _start(home, wanted, environment)
    _wait_until_ready(home)


def down(home: Home) -> None:
    """Stop everything that belongs to a home, also after its supervisor was killed; may be repeated."""
    if not home.services.exists():
        print(f"nothing was running in {home.root}")
        return
    with _exclusively(home):
        guard = supervisor.find(home)
        # First, or it would start again what is stopped here.
        processes.terminate([guard] if guard else [], patience=5.0)
        wanted = services.load_services(home)
        for service in sorted(wanted.values(), key=lambda service: -service.stage):
            _stop(service, home)
        processes.terminate(processes.find_marked(services.mark(home)), patience=2.0)
        for name in wanted:
            services.remove_service(home, name)
        home.records.unlink(missing_ok=True)
        home.endpoints.unlink(missing_ok=True)
    print(f"stopped {home.root}" if wanted else f"nothing was running in {home.root}")


def _start(home: Home, names: list[str], environment: Mapping[str, str]) -> None:
    machine = _prepare(home, names, environment)
    alive = _alive_records(home)
    if not alive:
        shutil.rmtree(home.scratch)
        home.scratch.mkdir()
    wanted = [engines.STARTS[name](machine) for name in names]
    for service in wanted:
        if service.name in alive:
            _adopt(home, service, alive[service.name])
        else:
            ports.require_free(service.name, service.ports)
    configuration.render(home.config, engines.template_values(machine))
    engines.link_libraries(machine)
    if not (home.data / "kafka" / "meta.properties").exists():
        _format_kafka(machine)
    services.write_atomically(home.endpoints, json.dumps(engines.endpoints(machine), indent=2))
    for service in wanted:
        services.save_service(home, service)
    if supervisor.find(home) is None:
        # Its count of restarts begins anew.
        services.save_records(home, alive)
        supervisor.launch(home)


def _name_decoders(home: Home, environment: Mapping[str, str]) -> None:
    """Tell clients where the decoder of this release is, though the engines may be those that an earlier one started: a job brings its own."""
    java = find_java(versions.load().java["flink"], "flink", environment)
    addresses = json.loads(home.endpoints.read_text(encoding="utf-8"))
    addresses["decoders"] = str(decoder.build(java, environment).parent)
    services.write_atomically(home.endpoints, json.dumps(addresses, indent=2))


def _prepare(home: Home, names: list[str], environment: Mapping[str, str]) -> Machine:
    """Everything that can be found missing before anything is started."""
    chosen = versions.load()
    groups = fetch.chosen_groups(chosen, names)
    java = {group.name: find_java(chosen.java[group.name], group.name, environment) for group in groups}
    addresses = ports.from_environment(environment)
    engines.verify_flink()
    artifacts = fetch.fetch(chosen, groups, environment)
    return Machine(home, addresses, artifacts, java, decoder.build(java["flink"], environment).parent)


def _adopt(home: Home, service: Service, record: Record) -> None:
    running = services.load_services(home).get(service.name, service)
    if running.ports != service.ports:
        message = f"{service.name}: runs on port {running.ports[0]}, not {service.ports[0]}; `down` first, or set DAYBOOK_PORT_BASE as it was"
        raise StackError(message)
    print(f"{service.name:<12} still running as process {record.process.pid}")


def _alive_records(home: Home) -> dict[str, Record]:
    return {name: record for name, record in services.load_records(home).items() if processes.is_alive(record.process)}


def _format_kafka(machine: Machine) -> None:
    """Give the broker's log a cluster id; a broker does not start on an empty directory."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    properties = f"{machine.home.config}/kafka/server.properties"
    arguments = ("format", "--ignore-formatted", f"--cluster-id={cluster}", "--config", properties)
    command = engines.kafka_command(machine, "kafka.tools.StorageTool", *arguments)
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=machine.home.scratch)
    if finished.returncode != 0:
        message = f"kafka: its log could not be formatted ({(finished.stdout + finished.stderr).strip()})"
        raise NotReadyError(message)


def _wait_until_ready(home: Home) -> None:
    addresses = json.loads(home.endpoints.read_text(encoding="utf-8"))
    waiting = [name for name in services.load_services(home) if name in readiness.CHECKS]
    before = services.load_records(home)
    started = reminded = time.monotonic()
    while waiting:
        for name in list(waiting):
            if readiness.is_ready(name, addresses):
                waiting.remove(name)
                print(f"{name:<12} ready in {time.monotonic() - started:.1f} s")
            else:
                _require_hope(home, name, before.get(name), time.monotonic() - started)
        if waiting and time.monotonic() - reminded > _REMINDER_SECONDS:
            reminded = time.monotonic()
            print(f"waiting for  {', '.join(waiting)} ({reminded - started:.0f} s)")
        time.sleep(_POLL_SECONDS)


def _require_hope(home: Home, name: str, before: Record | None, waited: float) -> None:
    record = services.load_records(home).get(name)
    restarts = (record.restarts if record else 0) - (before.restarts if before else 0)
    if waited > READY_SECONDS or restarts >= HOPELESS_RESTARTS:
        last = "".join(logs.tail(logs.path(home.logs, name), 1)).strip()
        message = f"{name}: not ready after {waited:.0f} s and {restarts} restarts; see `logs {name}` (last line: {last})"
        raise NotReadyError(message)


def _stop(service: Service, home: Home) -> None:
    running = services.running_processes(home, service.name, services.load_records(home).get(service.name))
    started = time.monotonic()
    processes.terminate(running, service.stop_seconds)
    if running:
        print(f"{service.name:<12} stopped in {time.monotonic() - started:.1f} s")


@contextmanager
def _exclusively(home: Home) -> Iterator[None]:
    with home.command_lock.open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
