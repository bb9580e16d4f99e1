"""Submitting a statement set to a running cluster through PyFlink; the process that submits may end afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyflink
from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyflink.table import StatementSet

CONFIGURATION: Mapping[str, str] = {
    "execution.target": "remote",
    "execution.attached": "false",
    "pipeline.object-reuse": "true",
    "table.local-time-zone": "UTC",
    "table.exec.source.idle-timeout": "0",
    "table.exec.iceberg.use-v2-sink": "true",
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
    "execution.checkpointing.timeout": "2 min",
}
"""Idleness stays off: with it, rows vanish from windows during catch-up. Digest reuse keeps records from being decoded for each insert."""


def explain(settings: Mapping[str, str], declarations: Sequence[str], inserts: Sequence[str]) -> str:
    """Flink's own plan of the statement set."""
    return str(_statement_set(settings, declarations, inserts).explain())


def submit(settings: Mapping[str, str], declarations: Sequence[str], inserts: Sequence[str]) -> str:
    """Submit the statement set; returns the job id once the cluster has accepted it. Not to be repeated: each call is a new job."""
    client = _statement_set(settings, declarations, inserts).execute().get_job_client()
    if client is None:
        message = "the cluster gave no job for the statement set"
        raise RuntimeError(message)
    return str(client.get_job_id())


def use_libraries(lib: Path, conf: Path) -> None:
    """Make this process's Flink client load the connectors in `lib`; must be called before the first statement set."""
    # PyFlink overwrites FLINK_LIB_DIR unless FLINK_HOME is set, and starts `python` from the PATH, which must be this environment's.
    os.environ["FLINK_HOME"] = next(iter(pyflink.__path__))
    os.environ["FLINK_LIB_DIR"] = str(lib)
    os.environ["FLINK_CONF_DIR"] = str(conf)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def remote(uri: str, checkpoints: str, name: str, checkpoint_seconds: float, jars: Iterable[Path]) -> dict[str, str]:
    """Settings of a job called `name` on the cluster at `uri`, which gets the `jars` with the job."""
    address = urlsplit(uri)
    return {
        **CONFIGURATION,
        "rest.address": address.hostname or "",
        "rest.port": str(address.port),
        "pipeline.name": name,
        "pipeline.jars": ";".join(jar.absolute().as_uri() for jar in jars),
        "parallelism.default": "1",
        "execution.checkpointing.interval": f"{round(checkpoint_seconds * 1000)} ms",
        "execution.checkpointing.dir": checkpoints,
    }


def _statement_set(settings: Mapping[str, str], declarations: Sequence[str], inserts: Sequence[str]) -> StatementSet:
    configuration = Configuration()
    for key, value in settings.items():
        configuration.set_string(key, value)
    mode = EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    environment = TableEnvironment.create(mode)
    for key, value in settings.items():
        environment.get_config().set(key, value)
    for declaration in declarations:
        environment.execute_sql(declaration)
    statements = environment.create_statement_set()
    for insert in inserts:
        statements.add_insert_sql(insert)
    return statements
