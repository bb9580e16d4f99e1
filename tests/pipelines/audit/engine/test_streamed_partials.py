"""Deliveries and streamed rows in DuckDB: the second computation held against the first, on small tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kpis.partials import WINDOW_COLUMNS
from pipelines.audit.decisions.lake import Comparison
from pipelines.audit.engine.deliveries import Deliveries
from pipelines.audit.engine.identity_index import unpacked
from pipelines.audit.engine.identity_segment import NO_PAYLOAD
from pipelines.audit.engine.partial_reader import negated
from pipelines.audit.engine.streamed_partials import Streamed
from tests.statements import CONTRACTS, PLAN
from transforms.journal import landed_columns

STREAM = CONTRACTS.streams["runs"]
TABLE = PLAN["kpis"]
LANE = "main"
START_MS = 1_790_000_000_000
ARROW = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "double": pa.float64(),
}
JOURNAL = pa.schema([(column.name, ARROW[column.type]) for column in landed_columns(STREAM)])
PARTIALS = pa.schema([(name, ARROW[column.type]) for name, column in TABLE.columns.items()])


def moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def delivery(offset: int, after_ms: int, **fields: Any) -> dict[str, Any]:
    """A started run, appended so long after the start."""
    at = moment(START_MS + after_ms)
    event = {"event_id": f"e-{offset}", "event_type": "run.started", "event_time": at, "source": "test", "tenant_id": "acme", "run_id": "r", "run_kind": "job"}
    return {**event, "partition": 0, "offset": offset, "appended_at": at, **fields}


class Audited:
    """Working tables of one stream and one partial table, filled from Parquet files as the audit does it."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.deliveries = Deliveries(self.connection, STREAM, PLAN.values(), JOURNAL.empty_table())
        self.streamed = Streamed(self.connection, TABLE, PARTIALS.empty_table(), LANE)
        self.folder = folder

    def journal(self, *rows: dict[str, Any], fresh: bool = True) -> None:
        self.deliveries.load([self._write(pa.Table.from_pylist(list(rows), schema=JOURNAL))], "TRUE", fresh=fresh)

    def stream_rows(self, condition: str = "TRUE", times: int = 1) -> None:
        """Let the stream have written what it should have from the deliveries that meet a condition."""
        rows = self.connection.sql(self.deliveries.recompute(TABLE, condition, LANE)).to_arrow_table()
        for _ in range(times):
            self.streamed.load([self._write(rows.cast(PARTIALS))], fresh=True)

    def compare(self, late: set[int] | None = None) -> list[Comparison]:
        return list(self.streamed.compare(self.deliveries, "runs", START_MS - 1, START_MS + 60_000, lambda: late or set()))

    def _write(self, rows: pa.Table) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.parquet"
        pq.write_table(rows, path)
        return str(path)


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    audited = Audited(tmp_path)
    yield audited
    audited.connection.close()


def mark(audited: Audited, offset: int, after_ms: int, *, winner: int, conflicting: bool = False) -> None:
    """Make such a delivery a repeat of the one at the offset `winner`."""
    place = {"partition": 0, "offset": offset, "appended_at": moment(START_MS + after_ms)}
    audited.deliveries.mark_duplicates(pa.Table.from_pylist([{**place, "winner_partition": 0, "winner_offset": winner, "conflicting": conflicting}]))


def test_equal_computations_stand(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 9_999), delivery(2, 10_000))
    audited.stream_rows()
    assert [(one.window_end - START_MS, one.equal_raw) for one in audited.compare()] == [(10_000, True), (20_000, True)]


def test_rows_committed_twice_are_told_from_wrong_ones(audited: Audited) -> None:
    audited.journal(delivery(0, 0))
    audited.stream_rows(times=2)
    assert [(one.equal_raw, one.doubled) for one in audited.compare()] == [(False, True)]


def test_a_delivery_that_the_stream_did_not_count_is_seen(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 1, run_kind="plan"))
    audited.stream_rows('"offset" = 0')
    assert [(one.equal_raw, one.doubled) for one in audited.compare()] == [(False, False)]


def test_a_window_that_the_stream_left_out_is_seen(audited: Audited) -> None:
    audited.journal(delivery(0, 0))
    assert [one.equal_raw for one in audited.compare()] == [False]


def test_a_window_that_only_the_stream_has_is_seen(audited: Audited) -> None:
    audited.journal(delivery(0, 0))
    audited.stream_rows()
    audited.deliveries.clear()
    assert [one.equal_raw for one in audited.compare()] == [False]


def test_each_window_is_judged_for_itself(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 10_000), delivery(2, 20_000), delivery(3, 30_000), delivery(4, 40_000))
    audited.stream_rows('"offset" IN (0, 1, 2)')
    audited.stream_rows('"offset" = 1')
    audited.connection.execute(f'DELETE FROM {audited.deliveries.name} WHERE "offset" = 2')
    audited.stream_rows('"offset" = 4', times=3)
    assert [(one.window_end - START_MS, one.equal_raw, one.doubled) for one in audited.compare()] == [
        (10_000, True, False),
        (20_000, False, True),
        (30_000, False, False),
        (40_000, False, False),
        (50_000, False, True),
    ]


def test_a_changed_number_is_seen(audited: Audited) -> None:
    audited.journal(delivery(0, 0))
    audited.stream_rows()
    audited.connection.execute(f"UPDATE {audited.streamed.name} SET n = n + 1")
    assert [one.equal_raw for one in audited.compare()] == [False]


def test_a_lateness_is_looked_for_only_when_windows_differ(audited: Audited) -> None:
    audited.journal(delivery(0, 0))
    audited.stream_rows()
    assert [one.has_late for one in audited.compare(late={START_MS + 10_000})] == [False]


def test_windows_with_duplicates_are_marked(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 10_000))
    audited.stream_rows()
    mark(audited, 1, 10_000, winner=0)
    assert [one.has_duplicates for one in audited.compare()] == [False, True]


def test_a_delivery_at_the_same_offset_of_another_time_is_no_duplicate(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 10_000))
    audited.stream_rows()
    mark(audited, 1, 9_999, winner=0)
    assert [one.has_duplicates for one in audited.compare()] == [False, False]


def test_a_clean_recomputation_leaves_duplicates_out(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 1))
    mark(audited, 1, 1, winner=0)
    clean = audited.deliveries.recompute(TABLE, "NOT duplicate", LANE)
    assert audited.connection.execute(f"SELECT sum(n) FROM ({clean})").fetchone() == (1,)


def test_fresh_rows_are_summed_up_per_partition(audited: Audited) -> None:
    audited.journal(delivery(4, 0), delivery(4, 0), delivery(9, 7), fresh=True)
    audited.journal(delivery(3, 0, partition=1), fresh=False)
    (summary,) = audited.deliveries.summaries()
    assert (summary.partition, summary.rows, summary.distinct, summary.high, summary.reach_ms) == (0, 3, 2, 9, START_MS + 7)


def test_identities_come_in_the_order_in_which_they_win(audited: Audited) -> None:
    audited.journal(delivery(5, 9), delivery(7, 3), delivery(6, 3), delivery(1, 3, partition=1))
    entries = audited.deliveries.fresh_identities()
    assert [*zip(*unpacked(entries["place"]), strict=True)] == [(0, 6), (0, 7), (1, 1), (0, 5)]


def test_a_repeat_has_the_same_identity_whatever_its_payload(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 0, event_id="e-0", run_kind="plan", payload_hash=1))
    assert len({(row["high"], row["low"]) for row in audited.deliveries.fresh_identities()}) == 1


def test_a_payload_is_the_low_half_of_the_decoders_hash(audited: Audited) -> None:
    audited.journal(*(delivery(n, 0, payload_hash=payload) for n, payload in enumerate([7, -1, -(2**63), 2**63 - 2, None])))
    assert audited.deliveries.fresh_identities()["payload"].tolist() == [7, 2**32 - 1, NO_PAYLOAD, 2**32 - 2, NO_PAYLOAD]


@pytest.mark.parametrize("apart", ["", "\x1f", ":", "1:1:"])
def test_an_identity_is_not_mistaken_for_its_neighbour(audited: Audited, apart: str) -> None:
    one = {"tenant_id": "a", "source": f"b{apart}c", "event_id": "d"}
    other = {"tenant_id": f"a{apart}b", "source": "c", "event_id": "d"}
    third = {"tenant_id": "a", "source": "b", "event_id": f"c{apart}d"}
    audited.journal(delivery(0, 0, **one), delivery(1, 0, **other), delivery(2, 0, **third))
    entries = audited.deliveries.fresh_identities()
    assert len({(row["high"], row["low"]) for row in entries}) == 3


def test_an_identity_is_the_same_on_any_day(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 0, event_id="e-0", event_time=moment(START_MS + 86_400_000)))
    first, second = audited.deliveries.fresh_identities()
    assert (first["high"], first["low"]) == (second["high"], second["low"])


def test_an_identity_has_the_same_hashes_wherever_it_is_computed(audited: Audited) -> None:
    audited.journal(delivery(0, 0, tenant_id="a", source="bc", event_id="d\N{SNOWMAN}"))
    (entry,) = audited.deliveries.fresh_identities()
    number = int.from_bytes(hashlib.md5("1:2:abcd\N{SNOWMAN}".encode(), usedforsecurity=False).digest(), "little")
    assert (int(entry["high"]), int(entry["low"])) == (number >> 64, number >> 32 & 2**32 - 1)


def test_a_delivery_read_again_from_its_file_is_the_same_entry(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 0, progress=0.1, attributes='{"branch": "x"}', created_at=moment(START_MS)))
    again = audited.deliveries.identities_in([str(path) for path in audited.folder.glob("*.parquet")], 0, 0, 1)
    assert again.tolist() == audited.deliveries.fresh_identities().tolist()


def test_rows_below_the_frontier_are_set_aside(audited: Audited) -> None:
    audited.journal(delivery(3, 0), delivery(4, 0), delivery(5, 0))
    assert audited.deliveries.take_below({0: 5}) == [(0, 3, 4)]
    assert audited.deliveries.count("fresh") == 1


def test_settled_rows_are_forgotten_once_they_are_counted_and_old(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 10_000), delivery(2, 0))
    audited.deliveries.settle(START_MS + 10_000, {0: 2})
    assert audited.connection.execute(f'SELECT "offset", fresh FROM {audited.deliveries.name} ORDER BY 1').fetchall() == [(1, False), (2, False)]


def test_an_append_time_that_steps_back_makes_a_window_late(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 10_000), delivery(2, 5_000))
    assert audited.deliveries.late_windows(START_MS + 60_000, {0}) == {START_MS + 10_000}


def test_an_append_time_that_steps_back_behind_a_record_that_was_taken_out_makes_a_window_late(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(2, 5_000))
    assert audited.deliveries.late_windows(START_MS + 60_000, {0}) == set()
    assert audited.deliveries.late_windows(START_MS + 60_000, {0}, [(0, 1, START_MS + 10_000)]) == {START_MS + 10_000}


def test_a_partition_that_joined_later_makes_its_windows_late(audited: Audited) -> None:
    audited.journal(delivery(0, 0, partition=7))
    assert audited.deliveries.late_windows(START_MS + 60_000, {0}) == {START_MS + 10_000}


def test_a_repeat_that_equals_its_winner_clashes_with_nothing(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 1))
    audited.stream_rows()
    mark(audited, 1, 1, winner=0)
    assert [(one.has_duplicates, one.has_clashes) for one in audited.compare()] == [(True, False)]


def test_a_repeat_whose_winner_has_left_the_working_table_clashes_with_nothing(audited: Audited) -> None:
    audited.journal(delivery(1, 1))
    audited.stream_rows()
    mark(audited, 1, 1, winner=0)
    assert [one.has_clashes for one in audited.compare()] == [False]


def test_a_repeat_with_another_payload_is_a_clash(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 1))
    audited.stream_rows()
    mark(audited, 1, 1, winner=0, conflicting=True)
    assert [one.has_clashes for one in audited.compare()] == [True]


def test_a_repeat_is_a_clash_while_its_winner_is_in_a_window_that_is_not_compared(audited: Audited) -> None:
    audited.journal(delivery(0, 70_000), delivery(1, 1))
    audited.stream_rows()
    mark(audited, 1, 1, winner=0)
    assert [(one.window_end - START_MS, one.has_clashes) for one in audited.compare()] == [(10_000, True)]


def test_an_adjustment_takes_out_what_the_repeats_added_and_nothing_else(audited: Audited) -> None:
    audited.journal(delivery(0, 0), delivery(1, 1), delivery(2, 2))
    mark(audited, 1, 1, winner=0)
    added = negated(TABLE, audited.deliveries.recompute(TABLE, "duplicate", LANE))
    everything = f"SELECT * FROM ({audited.deliveries.recompute(TABLE, 'TRUE', LANE)}) UNION ALL {added}"
    keys = ", ".join(f'"{name}"' for name in (*WINDOW_COLUMNS, *TABLE.keys))
    sums = ", ".join(f'sum("{name}")::BIGINT AS "{name}"' for name in TABLE.measures)
    summed = audited.connection.sql(f"SELECT {keys}, {sums} FROM ({everything}) GROUP BY ALL").to_arrow_table()
    assert summed.to_pylist() == audited.connection.sql(audited.deliveries.recompute(TABLE, "NOT duplicate", LANE)).to_arrow_table().to_pylist()


def test_what_is_not_additive_is_not_adjusted(audited: Audited) -> None:
    table = PLAN["runs"]
    audited.journal(delivery(0, 0), delivery(1, 1))
    mark(audited, 1, 1, winner=0)
    (row,) = audited.connection.sql(negated(table, audited.deliveries.recompute(table, "duplicate", LANE))).to_arrow_table().to_pylist()
    assert row["n"] == -1
    assert {row[name] for name in table.measures if name not in table.additive} == {None}
