"""An adapter is found by being there, with its alias table beside it."""

from importlib import import_module
from pathlib import Path

from connectors.sources.adapter import adapters


def test_adapters_are_found_by_name() -> None:
    assert {"agent-sessions", "temporal"} <= set(adapters())


def test_every_alias_table_belongs_to_an_adapter() -> None:
    folder = Path(import_module("connectors.sources").__path__[0])
    tables = {file.stem.replace("_", "-") for file in folder.glob("*.yaml")}
    assert tables == set(adapters())
