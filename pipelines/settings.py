"""Every setting, read once from the environment into one frozen value. Secrets have no default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import contracts
import kpis
from contracts.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "DAYBOOK_"
LOCAL_STACK = frozenset({"PORT_BASE", "CACHE"})
"""Settings with our prefix that `deploy/local` reads itself."""


def default_home() -> Path:
    """Run directory of the local stack when none is named."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "daybook"


class SettingsError(ConfigurationError):
    """A setting is unknown, missing or wrong; the message names it."""


class Endpoints(BaseModel):
    """Where the engines listen and keep their files."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kafka: str
    catalog: str
    flink: str
    trino: str
    warehouse: str
    checkpoints: str
    flink_lib: Path
    flink_conf: Path
    decoders: Path


class Settings(BaseModel):
    """Settings of every command; each is read from `DAYBOOK_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home)
    partitions: int = Field(default=2, ge=1, le=256, description="Kafka partitions of a new topic.")
    checkpoint_seconds: float = Field(default=5, ge=0.5, description="How often the intake job commits.")
    audit_interval_seconds: float = Field(default=1, ge=0.1, description="Pause between audit cycles that found nothing to do.")
    gap_budget: int = Field(default=50_000, ge=1, description="Missing offsets that one audit cycle reads again per stream.")
    audit_log_seconds: float = Field(default=60, ge=0, description="How long rows of ops.audits and ops.reconciliation may wait for others.")
    audit_bite_rows: int = Field(default=300_000, ge=1, description="Rows of one table after which an audit cycle opens no further commit.")
    sample_size: int = Field(default=20, ge=0, description="Journaled deliveries per stream and cycle that are decoded a second time.")
    contracts: Path = Field(default=Path(contracts.__file__).parent, description="Folder of the contracts of the streams.")
    definitions: Path = Field(default=Path(kpis.__file__).parent, description="Folder of the KPI and entity definitions.")
    quarantine_key_file: Path | None = None
    trino_user: str = "daybook"

    @property
    def endpoints(self) -> Endpoints:
        """Endpoints that the running stack wrote.

        Raises:
            SettingsError: no stack has been started in this home, or its file is damaged.
        """
        path = self.home / "endpoints.json"
        try:
            return Endpoints.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            message = f"{path}: not there; start the stack with `python -m deploy.local up`"
            raise SettingsError(message) from error
        except ValidationError as error:
            message = f"{path}: damaged; `python -m deploy.local up` writes it anew"
            raise SettingsError(message) from error

    @property
    def key_file(self) -> Path:
        """File of the key that quarantined bytes are encrypted with."""
        return self.quarantine_key_file or self.home / "quarantine.key"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a variable with our prefix is not a setting, or its value is wrong.
    """
    source = os.environ if environment is None else environment
    names = {name.removeprefix(PREFIX) for name in source if name.startswith(PREFIX)}
    own = {name.lower(): source[PREFIX + name] for name in names if not _is_local(name)}
    try:
        return Settings.model_validate(own)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        said = "not a setting; pipelines/settings.py lists them" if first["type"] == "extra_forbidden" else first["msg"]
        message = f"{name}: {said}"
        raise SettingsError(message) from error


def _is_local(name: str) -> bool:
    return name in LOCAL_STACK or name.startswith("PORT_")
