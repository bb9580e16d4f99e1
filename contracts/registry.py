"""The only loader of contracts: every file under `events/` and `datasets/` becomes part of one immutable registry.

A file is found by being there. Anything unexpected is one `ContractError` that names the file and the key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import TypeAdapter, ValidationError

from contracts.datasets import KNOWN, Dataset
from contracts.errors import ConfigurationError
from contracts.model import CANARY, DECODED, EventType, Rule, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent
SOURCES = ("envelope.yaml", "events/**/*.yaml", "datasets/*.yaml")
"""Which files below a root are sources."""
_TABLE = re.compile(r"[a-z_]+\.[a-z_]+")
_RULES = TypeAdapter(tuple[Rule, ...])


class ContractError(ConfigurationError):
    """A contract source is wrong; the message is `file: what`."""


@dataclass(frozen=True)
class Registry:
    """Every stream and every dataset, by name, in alphabetical order."""

    streams: Mapping[str, Stream]
    datasets: Mapping[str, Dataset]


def load(root: Path = ROOT) -> Registry:
    """Read `envelope.yaml`, every folder of `events/` and every file of `datasets/` below `root`.

    Raises:
        ContractError: a file has an unknown key, a wrong type, a missing owner or names an undefined field.
    """
    envelope = _envelope(root / "envelope.yaml")
    canary_path = root / "events" / f"{CANARY}.yaml"
    canary = _event(canary_path)
    folders = sorted(path for path in (root / "events").iterdir() if path.is_dir())
    no_strays(root / "events", {canary_path, *folders})
    streams = {folder.name: _stream(folder, envelope, canary) for folder in folders}
    return Registry(streams, _datasets(root / "datasets"))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping.

    Raises:
        ContractError: the file is missing, is not YAML or is not a mapping.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"{place(path)}: cannot be read: {' '.join(str(error).split())}"
        raise ContractError(message) from error
    if not isinstance(document, dict):
        message = f"{place(path)}: must be a mapping of keys to values"
        raise ContractError(message)
    for key in document:
        if not isinstance(key, str):
            message = f"{place(path)}: '{key}' is not a known key"
            raise ContractError(message)
    return document


def place(path: Path) -> str:
    """How an error names a file: with its folder, because the same name occurs in several."""
    return f"{path.parent.name}/{path.name}"


def explain(path: Path, error: ValidationError) -> ContractError:
    """Turn the first finding of a validation into one sentence that names file and key."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    said = {"missing": "is missing", "extra_forbidden": "is not a known key"}.get(first["type"])
    where = f"{place(path)}:" + (f" '{key}'" if key else "")
    return ContractError(f"{where} {said or first['msg'].removeprefix('Value error, ')}")


def no_strays(folder: Path, known: set[Path]) -> None:
    """Refuse whatever else lies in a folder of sources: a misnamed file would be left out in silence.

    Raises:
        ContractError: there is something; the message names it.
    """
    for path in sorted(set(folder.iterdir()) - known):
        message = f"{place(path)}: is not a contract source"
        raise ContractError(message)


def _envelope(path: Path) -> dict[str, Any]:
    envelope = {"rules": (), **read_yaml(path)}
    for key in sorted(envelope.keys() ^ {"fields", "landing", "rules"}, key=lambda key: key not in envelope):
        message = f"{place(path)}: '{key}' is {'not a known key' if key in envelope else 'missing'}"
        raise ContractError(message)
    try:
        rules = _RULES.validate_python(envelope["rules"])
    except ValidationError as error:
        raise explain(path, error) from error
    return {"fields": _named(path, "fields", envelope), "landing": _named(path, "landing", envelope), "rules": rules}


def _stream(folder: Path, envelope: dict[str, Any], canary: EventType) -> Stream:
    path = folder / "stream.yaml"
    source = read_yaml(path)
    source["name"] = source.pop("stream", None)
    if source["name"] != folder.name:
        message = f"{place(path)}: 'stream' must be '{folder.name}', the name of its folder"
        raise ContractError(message)
    files = sorted(file for file in folder.glob("*.yaml") if file != path)
    no_strays(folder, {path, *files})
    own = _named(path, "fields", source)
    for name in own.keys() & (envelope["fields"].keys() | envelope["landing"].keys() | DECODED.keys()):
        message = f"{place(path)}: 'fields.{name}' is already defined {'by the decoder' if name in DECODED else 'in envelope.yaml'}"
        raise ContractError(message)
    entities = source.get("entities")
    beat = canary.model_copy(update={"required": canary.required + tuple(entities if isinstance(entities, list) else ())})
    attributes = envelope["fields"]["attributes"] | {"keys": source.pop("attributes", ())}
    try:
        source["envelope"] = tuple(envelope["fields"])
        source["fields"] = envelope["fields"] | {"attributes": attributes} | own
        source["landing"] = envelope["landing"]
        source["rules"] = _rules(source.get("rules", ()), envelope["rules"], source["fields"])
        source["event_types"] = {event.name: event for event in [*map(_event, files), beat]}
        source["facts"] = _named(path, "facts", source)
        return Stream.model_validate(source)
    except ValidationError as error:
        raise explain(path, error) from error


def _rules(own: Any, everywhere: tuple[Rule, ...], fields: dict[str, Any]) -> Any:
    """A stream's rules, then those of the envelope about fields that it has; what is no list is left for the model to refuse."""
    return [*own, *(rule for rule in everywhere if fields.keys() >= {*rule.fields})] if isinstance(own, list | tuple) else own


def _datasets(folder: Path) -> dict[str, Dataset]:
    for name in sorted(KNOWN):
        if not (folder / f"{name}.yaml").is_file():
            message = f"{folder.name}/{name}.yaml: is missing"
            raise ContractError(message)
    files = sorted(folder.glob("*.yaml"))
    no_strays(folder, set(files))
    return {file.stem: _dataset(file) for file in files}


def _dataset(path: Path) -> Dataset:
    if not _TABLE.fullmatch(path.stem):
        message = f"{place(path)}: its name is not <schema>.<table>.yaml"
        raise ContractError(message)
    source = read_yaml(path)
    try:
        return Dataset.model_validate({**source, "columns": _named(path, "columns", source), "name": path.stem})
    except ValidationError as error:
        raise explain(path, error) from error


def _event(path: Path) -> EventType:
    try:
        event = EventType.model_validate(read_yaml(path))
    except ValidationError as error:
        raise explain(path, error) from error
    if event.name != path.stem:
        message = f"{place(path)}: 'event' must be '{path.stem}', the name of its file"
        raise ContractError(message)
    return event


def _named(path: Path, key: str, document: dict[str, Any]) -> dict[str, Any]:
    """Give every definition the name it stands under; one that is not a mapping is left for the model to refuse."""
    definitions = document.get(key, {})
    if not isinstance(definitions, dict):
        message = f"{place(path)}: '{key}' must be a mapping of names to definitions"
        raise ContractError(message)
    return {name: {"name": name, **item} if isinstance(item, dict) else item for name, item in definitions.items()}
