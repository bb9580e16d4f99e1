"""Every table of the lakehouse as derived from contracts and definitions."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors.iceberg.tables import PROPERTIES, TRANSFORMS, ColumnSpec, TableSpec
from contracts.datasets import DUPLICATES, Dataset, duplicates_of
from contracts.types import SPELLINGS
from pipelines.tables import all_tables, dataset_tables
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

TABLES = all_tables(CONTRACTS, DEFINITIONS)
BY_NAME = {table.name: table for table in TABLES}
each = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def test_no_table_is_made_twice() -> None:
    assert Counter(table.name for table in TABLES).most_common(1)[0][1] == 1


@each
def test_a_column_is_named_once_and_has_a_known_type(table: TableSpec) -> None:
    names = [column.name for column in table.columns]
    assert len(names) == len(set(names))
    assert {column.type for column in table.columns} <= SPELLINGS.keys()


def test_what_nobody_reads_at_the_tag_has_none_so_that_its_snapshots_go() -> None:
    untagged = {table.name for table in TABLES if not table.is_tagged}
    assert untagged == {name for name in BY_NAME if name.startswith("ops.")} - {"ops.quarantine"}


def test_what_only_the_audit_writes_is_never_committed_on_top_of_another_commit() -> None:
    alone = {table.name for table in TABLES if {**PROPERTIES, **table.properties}["commit.retry.num-retries"] == "0"}
    shared = {"ops.deployed_sources", "ops.deployments"}
    assert alone == {name for name in BY_NAME if name.startswith(("audit.", "ops."))} - shared


@each
def test_every_column_has_a_comment(table: TableSpec) -> None:
    assert [column.name for column in table.columns if not column.comment] == []


@each
def test_a_table_is_partitioned_and_pruned_by_its_own_columns(table: TableSpec) -> None:
    names = {column.name for column in table.columns}
    assert set(table.statistics) <= names
    assert table.partition is None or (table.partition[0] in names and table.partition[1] in TRANSFORMS)


@pytest.mark.parametrize("stream", CONTRACTS.streams)
def test_a_journal_is_partitioned_by_the_day_of_the_event(stream: str) -> None:
    assert BY_NAME[f"journal.{stream}"].partition == ("event_time", "day")


@pytest.mark.parametrize("name", PLAN)
def test_the_audit_has_the_columns_of_the_partials_and_says_why(name: str) -> None:
    streamed, audited = BY_NAME[f"partials.{name}"].columns, BY_NAME[f"audit.{name}"].columns
    assert audited[: len(streamed)] == streamed
    assert [column.name for column in audited[len(streamed) :]] == ["kind", "cycle", "visible_from"]


def test_a_declared_dataset_is_the_table_that_it_says() -> None:
    columns = {"day": {"name": "day", "type": "timestamptz", "description": "x", "required": True}}
    declared = {"name": "ops.days", "description": "x", "owner": "x", "writer": "deployment", "tagged": False, "columns": columns}
    dataset = Dataset.model_validate({**declared, "partition": {"column": "day", "by": "day"}, "statistics": ["day"]})
    column = ColumnSpec("day", "timestamptz", required=True, comment="x")
    assert dataset_tables(dataset, ["runs"]) == (TableSpec("ops.days", (column,), ("day", "day"), ("day",), {}, is_tagged=False),)


def test_a_dataset_per_stream_is_a_table_of_each() -> None:
    made = dataset_tables(CONTRACTS.datasets[DUPLICATES], ["jobs", "runs"])
    assert [table.name for table in made] == [duplicates_of("jobs"), duplicates_of("runs")]


def test_personal_fields_are_marked_in_the_table() -> None:
    comments = {column.name: column.comment for column in BY_NAME["journal.runs"].columns}
    assert "Classification: pii." in comments["user_id"]
