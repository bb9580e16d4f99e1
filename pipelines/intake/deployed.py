"""What is deployed, kept with its sources, and what the files here describe.

Whoever judges or restarts the running job reads the sources that were deployed: the files here may be ahead of them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from connectors.iceberg.tables import connect
from contracts.datasets import DEPLOYED_SOURCES, DEPLOYMENTS, KNOWN
from contracts.errors import ConfigurationError
from contracts.registry import ROOT
from pipelines.workspace import Workspace, read, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.settings import Settings

SOURCES, STATEMENTS = "daybook.sources", "daybook.statements"
"""Properties of DEPLOYMENTS that name what is deployed; set before the job is submitted."""


class DeployedSourcesError(ConfigurationError):
    """What is deployed cannot be read; the message says why."""


class Deployed(NamedTuple):
    """Fingerprint of the deployed sources, and hash of the job's SQL that was made of them."""

    sources: str
    statements: str


def described(space: Workspace) -> Deployed:
    """The same of the files here."""
    return Deployed(space.fingerprint, space.statements_hash)


def deployed(settings: Settings) -> Deployed | None:
    """What was deployed last, or None before the first deployment."""
    properties: dict[str, str] = connect(settings.endpoints.catalog).load_table(DEPLOYMENTS).properties
    return Deployed(properties[SOURCES], properties[STATEMENTS]) if SOURCES in properties else None


def is_deployed(space: Workspace) -> bool:
    """True when a workspace is what was deployed last."""
    return deployed(space.settings) == described(space)


def deployed_workspace(settings: Settings) -> Workspace:
    """Contracts and definitions that were deployed last; those of the files here before the first deployment.

    Raises:
        DeployedSourcesError: they are not where they must be.
        ContractError: this version of Daybook does not understand them.
    """
    last = deployed(settings)
    if last is None:
        return workspace()
    sources = _sources(settings, last.sources)
    if sources is None:
        message = f"{DEPLOYED_SOURCES}: has no sources {last.sources}, which {DEPLOYMENTS} names"
        raise DeployedSourcesError(message)
    return restored(settings, sources)


def restored(settings: Settings, sources: Mapping[str, str]) -> Workspace:
    """The workspace of these sources; tables of operations that the release which deployed them had not are those of this one.

    Raises:
        ContractError: this version of Daybook does not understand them.
    """
    own = {f"contracts/datasets/{name}.yaml": (ROOT / "datasets" / f"{name}.yaml").read_text("utf-8") for name in KNOWN}
    with TemporaryDirectory(prefix="daybook-") as folder:
        unfold({**own, **sources}, Path(folder))
        return replace(read(settings, Path(folder) / "contracts", Path(folder) / "kpis"), sources=sources)


def announce(space: Workspace, name: Deployed) -> None:
    """Say that `space`, which is described as `name`, is deployed from now on, with its sources."""
    catalog = connect(space.settings.endpoints.catalog)
    if _sources(space.settings, name.sources) is None:
        table = catalog.load_table(DEPLOYED_SOURCES)
        row = {"sources_hash": name.sources, "sources": json.dumps(space.sources), "recorded_at": datetime.now(UTC)}
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
    with catalog.load_table(DEPLOYMENTS).transaction() as transaction:
        transaction.set_properties({SOURCES: name.sources, STATEMENTS: name.statements})


def unfold(sources: Mapping[str, str], folder: Path) -> None:
    """Write sources below a folder."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _sources(settings: Settings, fingerprint: str) -> dict[str, str] | None:
    table = connect(settings.endpoints.catalog).load_table(DEPLOYED_SOURCES)
    rows = table.scan(row_filter=f"sources_hash = '{fingerprint}'", selected_fields=("sources",)).to_arrow()
    return dict(json.loads(rows["sources"][0].as_py())) if rows.num_rows else None
