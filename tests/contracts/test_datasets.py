"""Tables that are declared: whole, known to the code by name, and refused in one sentence where they are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts import datasets
from contracts.datasets import DUPLICATES, KNOWN, duplicates_of
from contracts.registry import ContractError, Registry, load

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = {
    "unknown key": ("owner:", "colour: red\nowner:", "'colour' is not a known key"),
    "missing owner": ("owner: data-platform\n", "", "'owner' is missing"),
    "other writer": ("writer: audit", "writer: flink", "'writer' Input should be 'audit' or 'deployment'"),
    "unknown type of a column": ("type: long", "type: integer", "'columns.offset.type' Input should be 'string'"),
    "column without description": (", description: Kafka topic.", "", "'columns.topic.description' is missing"),
    "columns that are a list": ("columns:", "columns: [topic]\nmore:", "'columns' must be a mapping of names to definitions"),
    "statistics of no column": ("statistics: [", "statistics: [colour, ", "statistics: 'colour' is not a column"),
    "partition by no column": ("owner:", "partition: {column: colour, by: day}\nowner:", "partition: 'colour' is not a column"),
    "unknown transform": ("owner:", "partition: {column: topic, by: week}\nowner:", "'partition.by' Input should be 'identity', 'hour' or 'day'"),
    "per something else": ("owner:", "per: tenant\nowner:", "'per' Input should be 'stream'"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_broken_dataset_is_one_sentence_with_file_and_key(small_root: Path, case: tuple[str, str, str]) -> None:
    old, new, message = case
    path = small_root / "datasets" / "ops.quarantine.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        load(small_root)
    assert str(caught.value).startswith(f"datasets/ops.quarantine.yaml: {message}")


def test_a_dataset_that_the_code_needs_must_be_there(small_root: Path) -> None:
    (small_root / "datasets" / "ops.audits.yaml").unlink()
    with pytest.raises(ContractError, match=r"^datasets/ops\.audits\.yaml: is missing$"):
        load(small_root)


@pytest.mark.parametrize("name", ["quarantine.yaml", "ops.Quarantine.yaml", "ops.quarantine.old.yaml"])
def test_a_file_without_schema_and_table_in_its_name_is_an_error(small_root: Path, name: str) -> None:
    folder = small_root / "datasets"
    (folder / name).write_text((folder / "ops.quarantine.yaml").read_text())
    with pytest.raises(ContractError, match=r"its name is not <schema>\.<table>\.yaml$"):
        load(small_root)


def test_another_file_among_the_datasets_is_an_error(small_root: Path) -> None:
    (small_root / "datasets" / "notes.md").write_text("x\n")
    with pytest.raises(ContractError, match=r"^datasets/notes\.md: is not a contract source"):
        load(small_root)


def test_no_file_is_needed_by_nobody(product: Registry) -> None:
    assert set(product.datasets) == set(KNOWN)


def test_every_name_of_a_table_in_code_is_one_that_is_needed() -> None:
    assert {value for name, value in vars(datasets).items() if name.isupper() and isinstance(value, str)} == set(KNOWN)


def test_every_dataset_and_column_is_described_in_a_sentence(product: Registry) -> None:
    told = [(name, dataset.description) for name, dataset in product.datasets.items()]
    told += [(f"{name}.{column.name}", column.description) for name, dataset in product.datasets.items() for column in dataset.columns.values()]
    assert [name for name, text in told if not text.endswith(".")] == []


def test_a_template_is_one_table_per_stream(product: Registry) -> None:
    assert product.datasets[DUPLICATES].per == "stream"
    assert duplicates_of("runs") == product.streams["runs"].duplicates == "audit.duplicates_runs"
