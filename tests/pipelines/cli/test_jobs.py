"""The plan is readable SQL without a stack, and complete."""

from contracts.registry import load
from kpis import registry as kpis
from kpis.partials import plan
from tests.pipelines.cli.conftest import Daybook


def test_the_plan_defines_a_source_and_what_is_accepted_per_stream(daybook: Daybook) -> None:
    shown = daybook("plan").out
    for stream in load().streams:
        assert f"CREATE TEMPORARY TABLE {stream}_source (" in shown
        assert f"CREATE TEMPORARY VIEW {stream}_accepted AS" in shown


def test_the_plan_inserts_into_every_journal_and_every_partial_table(daybook: Daybook) -> None:
    shown = daybook("plan").out
    contracts = load()
    tables = [stream.journal for stream in contracts.streams.values()] + [f"partials.{name}" for name in plan(contracts, kpis.load(contracts))]
    assert [table for table in tables if f"INSERT INTO lake.{table} " not in shown] == []
    assert shown.count("INSERT INTO") == len(tables)


def test_every_statement_of_the_plan_ends_with_a_semicolon(daybook: Daybook) -> None:
    *statements, last = daybook("plan").out.strip().split("\n\n")
    assert all(statement.endswith(";") for statement in statements)
    assert last.startswith("-- statements ")


def test_the_plan_is_the_same_every_time(daybook: Daybook) -> None:
    assert daybook("plan").out == daybook("plan").out
