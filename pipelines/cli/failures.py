"""What an error means to the person at the command line: one sentence and an exit code.

Errors are recognized by name, because importing every engine's client to know its errors would cost each command a second.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIGURATION: Mapping[str, int] = dict.fromkeys(
    (
        "contracts.registry.ContractError",
        "pipelines.intake.deployed.DeployedSourcesError",
        "pipelines.settings.SettingsError",
        "pipelines.simulation.scenario.ScenarioError",
        "connectors.sources.adapter.SourceError",
        "connectors.kafka.topics.TopicMismatchError",
        "connectors.iceberg.tables.TableConflictError",
        "pipelines.audit.engine.quarantine_encryption.QuarantineKeyError",
    ),
    2,
)
REFUSALS: Mapping[str, int] = dict.fromkeys(
    (
        "connectors.kafka.producer.DeliveryError",
        "connectors.trino.client.QueryError",
        "pipelines.deployment.provisioning.UnpublishedError",
        "pipelines.deployment.cutover.DrainError",
        "pipelines.deployment.supervision.SubmitError",
        "pipelines.locks.LockedError",
        "py4j.protocol.Py4JError",
        "pyflink.util.exceptions.TableException",
        "pyiceberg.exceptions.NoSuchTableError",
        "pyiceberg.exceptions.NoSuchNamespaceError",
        "builtins.OSError",
    ),
    1,
)
PASSING: Mapping[str, int] = dict.fromkeys(
    (
        "pipelines.audit.decisions.lake.Conflict",
        "connectors.iceberg.files.StaleHeadError",
        "connectors.kafka.topics.TopicError",
        "connectors.kafka.reader.RereadError",
        "connectors.flink.rest.FlinkError",
        "cimpl.KafkaException",
        "requests.exceptions.RequestException",
        "pyiceberg.exceptions.RESTError",
        "pyiceberg.exceptions.CommitFailedException",
        "duckdb.IOException",
    ),
    1,
)
"""An engine is down or busy: the same call may work a little later."""
EXIT_CODES: Mapping[str, int] = {**REFUSALS, **PASSING, **CONFIGURATION}

_POOL = re.compile(r"(?P<scheme>HTTPS?)ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\)")
"""How urllib3 names the server that it could not reach, in the errors of every client that is built on it."""
_CAUSE = re.compile(r"^Caused by: (.+)$", re.MULTILINE)


def exit_code(error: BaseException) -> int | None:
    """Exit code of an error that we know, None for one that is a bug of ours."""
    return next((EXIT_CODES[name] for name in _names(error) if name in EXIT_CODES), None)


def may_pass(error: BaseException) -> bool:
    """True when an engine was away or busy, so that trying again is right."""
    return next((name in PASSING for name in _names(error) if name in EXIT_CODES), False)


def sentence(error: BaseException) -> str:
    """The error in one line."""
    names = set(_names(error))
    if "requests.exceptions.RequestException" in names or _POOL.search(str(error)):
        return f"{_address(error)} does not answer; `daybook status` shows the engines"
    if "cimpl.KafkaException" in names:
        cause = error.args[0] if error.args else error
        return f"Kafka: {cause.str() if hasattr(cause, 'str') else cause}"
    if names & {"pyiceberg.exceptions.NoSuchTableError", "pyiceberg.exceptions.NoSuchNamespaceError"}:
        return f"{_line(str(error))}; `daybook apply` makes what is missing"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    causes = _CAUSE.findall(str(error))
    return _line(causes[-1] if causes else str(error)) or type(error).__name__


def _names(error: BaseException) -> Iterator[str]:
    return (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)


def _address(error: BaseException) -> str:
    found = _POOL.search(str(error))
    return f"{found['scheme'].lower()}://{found['host']}:{found['port']}" if found else "an engine"


def _line(text: str) -> str:
    """The first line with something in it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
