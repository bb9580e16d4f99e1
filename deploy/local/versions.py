"""Reads the version list: which artifacts make up an engine, and which Java it needs."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

VERSIONS = Path(__file__).with_name("versions.toml")


@dataclass(frozen=True)
class Artifact:
    """Maven coordinates."""

    group: str
    name: str
    version: str
    type: str
    classifier: str

    @property
    def is_archive(self) -> bool:
        """Whether it is unpacked rather than put on a class path."""
        return self.type in {"tar.gz", "zip"}

    @property
    def file_name(self) -> str:
        """The name Maven gives the file."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{suffix}.{self.type}"


@dataclass(frozen=True)
class Group:
    """The artifacts of one engine, kept together in one folder of the cache."""

    name: str
    artifacts: tuple[Artifact, ...]
    transitive: bool
    optional: bool

    @property
    def folder(self) -> str:
        """Name of the folder; changes with any version in it."""
        text = repr((self.artifacts, self.transitive))
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Versions:
    """The parts of the version list that concern the engines."""

    groups: dict[str, Group]
    java: dict[str, int]
    maven_plugin: str


def load(path: Path = VERSIONS) -> Versions:
    """Read the version list."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    groups = {
        name: Group(
            name,
            tuple(parse_artifact(text) for text in group["artifacts"]),
            transitive=group.get("transitive", False),
            optional=group.get("optional", False),
        )
        for name, group in document["maven"]["groups"].items()
    }
    return Versions(groups, document["java"], document["maven"]["plugin"])


def parse_artifact(text: str) -> Artifact:
    """Split `group:artifact:version[:type[:classifier]]`.

    >>> parse_artifact("io.trino:trino-iceberg:476:zip").file_name
    'trino-iceberg-476.zip'
    """
    parts = text.split(":")
    return Artifact(*parts, *("jar", "")[len(parts) - 3 :])
