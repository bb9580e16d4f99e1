"""Alias tables: foreign names and their canonical ones, as data in the YAML file beside each adapter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def aliases_of(module_file: str) -> dict[str, Any]:
    """Return the alias table of an adapter's module: the YAML file of the same name."""
    table: dict[str, Any] = yaml.safe_load(Path(module_file).with_suffix(".yaml").read_text("utf-8"))
    return table


def looked_up(payload: object, path: str) -> Any:
    """Return what a dotted path leads to in nested JSON, or None.

    >>> looked_up({"message": {"usage": {"input_tokens": 3}}}, "message.usage.input_tokens")
    3
    """
    found: Any = payload
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def renamed(payload: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    """Return the canonical fields that a table of canonical name -> foreign path finds; what is absent is left out."""
    fields = {name: looked_up(payload, path) for name, path in table.items()}
    return {name: value for name, value in fields.items() if value not in (None, "")}


def totals(payload: object, table: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return canonical counters, each the sum of the foreign counters at its paths; one that the source lacks is left out."""
    found = {name: [looked_up(payload, path) for path in paths] for name, paths in table.items()}
    counted = {name: [value for value in values if isinstance(value, int)] for name, values in found.items()}
    return {name: sum(values) for name, values in counted.items() if values}
