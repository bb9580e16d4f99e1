"""How each engine is started: one function per engine, from its artifacts and configuration to a service."""

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import checksums
from deploy.local.failures import SetupError
from deploy.local.home import Home
from deploy.local.ports import LOOPBACK
from deploy.local.services import Service
from deploy.local.toolchain import Java

CATALOG_SOURCE = Path(__file__).with_name("LoopbackCatalog.java")
# A JVM that ran out of memory is of no use: let it end and be started again.
_JVM = ("-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-Djava.io.tmpdir=.")


class EngineError(SetupError):
    """An engine's files are not where they should be."""


@dataclass(frozen=True)
class Machine:
    """What the engines are started with: directories, ports by name, artifacts and Java by engine, the folder of decoders."""

    home: Home
    ports: Mapping[str, int]
    artifacts: Mapping[str, Path]
    java: Mapping[str, Java]
    decoders: Path


def endpoints(machine: Machine) -> dict[str, str]:
    """Addresses and folders for clients, as written to `endpoints.json`."""
    addresses = {
        "kafka": f"{LOOPBACK}:{machine.ports['kafka']}",
        "catalog": f"http://{LOOPBACK}:{machine.ports['catalog']}",
        "flink": f"http://{LOOPBACK}:{machine.ports['flink']}",
        "trino": f"http://{LOOPBACK}:{machine.ports['trino']}",
        "warehouse": machine.home.warehouse.as_uri(),
        "checkpoints": machine.home.checkpoints.as_uri(),
        "flink_lib": str(machine.home.root / "flink" / "lib"),
        "flink_conf": str(machine.home.config / "flink"),
        "decoders": str(machine.decoders),
    }
    if "registry" in machine.artifacts:
        addresses["registry"] = f"http://{LOOPBACK}:{machine.ports['registry']}"
    return addresses


def template_values(machine: Machine) -> dict[str, object]:
    """What the configuration templates may name."""
    home = machine.home
    return {
        **machine.ports,
        "root": home.root,
        "config": home.config,
        "data": home.data,
        "scratch": home.scratch,
        "warehouse": home.warehouse.as_uri(),
        "checkpoints": home.checkpoints.as_uri(),
        "stock_java_options": _stock_java_options(),
    }


def kafka_command(machine: Machine, main: str, *arguments: str) -> tuple[str, ...]:
    """One of Kafka's programs, on the broker's class path."""
    config = machine.home.config / "kafka"
    options = ("-Xmx512m", *_JVM, f"-Dlog4j2.configurationFile={config}/log4j2.properties")
    classes = f"{machine.artifacts['kafka']}/*"
    return (machine.java["kafka"].executable, *options, "-cp", classes, main, *arguments)


def kafka(machine: Machine) -> Service:
    """The broker, which is its own controller."""
    command = kafka_command(machine, "kafka.Kafka", f"{machine.home.config}/kafka/server.properties")
    ports = _ports(machine, "kafka", "kafka_controller")
    return Service("kafka", command, _directory(machine), ports=ports, stage=0, stop_seconds=30.0)


def catalog(machine: Machine) -> Service:
    """Iceberg's REST catalog over a SQLite file, one connection wide."""
    (jar,) = machine.artifacts["catalog"].glob("*.jar")
    database = f"{machine.home.data}/catalog.sqlite"
    properties = {
        "catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        "warehouse": machine.home.warehouse.as_uri(),
        # One writer that waits: anything else ends in SQLITE_BUSY and commits of unknown state.
        "uri": f"jdbc:sqlite:file:{database}?busy_timeout=60000&journal_mode=WAL&synchronous=NORMAL",
        "clients": "1",
        "jdbc.user": "daybook",
        "jdbc.password": "daybook",
        # The first schema has no room for views.
        "jdbc.schema-version": "V1",
    }
    command = (
        *(machine.java["catalog"].executable, "-Xmx256m", "-XX:+UseSerialGC", *_JVM),
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *("-cp", str(jar), str(CATALOG_SOURCE), str(machine.ports["catalog"])),
        *(f"{name}={value}" for name, value in properties.items()),
    )
    return Service("catalog", command, _directory(machine), ports=_ports(machine, "catalog"), stage=1)


def jobmanager(machine: Machine) -> Service:
    """Flink's JobManager of a session cluster."""
    ports = _ports(machine, "flink", "flink_jobmanager", "flink_blob", "flink_metrics")
    command = (f"{flink_home()}/bin/jobmanager.sh", "start-foreground")
    return Service("jobmanager", command, _directory(machine), _flink_environment(machine), ports, stage=2)


def taskmanager(machine: Machine) -> Service:
    """Flink's TaskManager, with this interpreter for Python functions."""
    ports = _ports(machine, "flink_taskmanager", "flink_data", "flink_metrics_last")
    command = (f"{flink_home()}/bin/taskmanager.sh", "start-foreground")
    return Service("taskmanager", command, _directory(machine), _flink_environment(machine), ports, stage=3)


def trino(machine: Machine) -> Service:
    """Trino as coordinator and worker in one, with the catalog `lake`."""
    config = machine.home.config / "trino"
    command = (
        *(machine.java["trino"].executable, f"@{config}/jvm.config", f"-Dconfig={config}/config.properties"),
        *("-cp", f"{machine.artifacts['trino']}/trino-server-core/lib/*", "io.trino.server.TrinoServer"),
    )
    return Service("trino", command, _directory(machine), ports=_ports(machine, "trino"), stage=4)


def registry(machine: Machine) -> Service:
    """The schema registry, with its schemas in an H2 file."""
    settings = {
        "quarkus.http.host": LOOPBACK,
        "quarkus.http.port": str(machine.ports["registry"]),
        "quarkus.http.access-log.enabled": "false",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{machine.home.data}/registry",
    }
    command = (
        *(machine.java["registry"].executable, "-Xmx256m", "-XX:+UseSerialGC", *_JVM),
        *(f"-D{name}={value}" for name, value in settings.items()),
        *("-jar", f"{machine.artifacts['registry']}/apicurio-registry-app/quarkus-run.jar"),
    )
    return Service("registry", command, _directory(machine), ports=_ports(machine, "registry"), stage=4)


STARTS: Mapping[str, Callable[[Machine], Service]] = {
    "kafka": kafka,
    "catalog": catalog,
    "jobmanager": jobmanager,
    "taskmanager": taskmanager,
    "trino": trino,
    "registry": registry,
}
ALWAYS = ("kafka", "catalog", "jobmanager", "taskmanager", "trino")


def flink_home() -> Path:
    """The Flink distribution inside the installed PyFlink; located without importing it."""
    found = importlib.util.find_spec("pyflink")
    if found is None or not found.submodule_search_locations:
        message = f"flink: {sys.executable} has no PyFlink; run this with the Python of the project's environment"
        raise EngineError(message)
    return Path(found.submodule_search_locations[0])


def verify_flink() -> None:
    """Compare PyFlink's own libraries with the list as well. Raises ChecksumError."""
    measured = checksums.measure(flink_home() / "lib", "pyflink")
    checksums.verify(measured, "install the Python environment anew")


def record_flink() -> None:
    """Write PyFlink's own libraries into the list of checksums."""
    checksums.record(checksums.measure(flink_home() / "lib", "pyflink"), "pyflink")


def link_libraries(machine: Machine) -> None:
    """Put the engines' own files and ours side by side, as links, where Flink and Trino look for them."""
    libraries = [*(flink_home() / "lib").glob("*.jar"), *machine.artifacts["flink"].glob("*.jar")]
    _link(machine.home.root / "flink" / "lib", {jar.name: jar for jar in libraries})
    plugins = {"iceberg": machine.artifacts["trino"] / "trino-iceberg"}
    _link(machine.home.root / "trino" / "plugin", plugins)


def _link(folder: Path, targets: Mapping[str, Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        if stale.is_symlink():
            stale.unlink()
    for name, target in targets.items():
        (folder / name).symlink_to(target)


def _ports(machine: Machine, *names: str) -> tuple[int, ...]:
    return tuple(machine.ports[name] for name in names)


def _directory(machine: Machine) -> str:
    return str(machine.home.scratch)


def _flink_environment(machine: Machine) -> dict[str, str]:
    home = machine.home
    return {
        "JAVA_HOME": str(machine.java["flink"].home),
        "FLINK_CONF_DIR": str(home.config / "flink"),
        "FLINK_LIB_DIR": str(home.root / "flink" / "lib"),
        "FLINK_LOG_DIR": str(home.logs),
        "FLINK_PID_DIR": str(home.scratch),
        # Set by a user, it would replace the list of module exports.
        "FLINK_ENV_JAVA_OPTS": "",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def _stock_java_options() -> str:
    text = (flink_home() / "conf" / "config.yaml").read_text(encoding="utf-8")
    match = re.search(r"^\s+all: (--add.*)$", text, re.MULTILINE)
    if match is None:
        message = f"flink: {flink_home()}/conf/config.yaml has no list env.java.opts.all"
        raise EngineError(message)
    return match[1]
