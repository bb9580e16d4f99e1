"""From an event's append to the audited answer that contains it, for every event, out of what the tables themselves record."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from contracts.datasets import AUDITS, COMPLETENESS, RECONCILIATION
from contracts.model import CANARY
from kpis.partials import WINDOW_SECONDS
from tests.benchmarks.figures import delays_by_offset, delays_by_window
from tests.benchmarks.product import Product

Row = dict[str, Any]


class Publications:
    """What each audit cycle published and since when readers saw it: rows of `ops.audits` are written after the tags moved."""

    def __init__(self, product: Product) -> None:
        """Reads what is visible by now; a cycle that is under way is left out everywhere."""
        self._product = product
        self._visible: dict[int, float] = {}
        for row in self._rows(AUDITS):
            self._visible[row["cycle"]] = max(self._visible.get(row["cycle"], 0.0), row["audited_at"].timestamp())

    def fact_delays(self, since: float, until: float) -> list[float]:
        """Seconds from append to audited fact, of every event appended between two instants."""
        published = self._offsets()
        delays: list[float] = []
        for stream, journal in self._product.journals.items():
            events: dict[int, list[tuple[int, float]]] = defaultdict(list)
            for row in self._events(journal, since, until):
                events[row["partition"]].append((row["offset"], row["appended_at"].timestamp()))
            for partition, own in events.items():
                delays += delays_by_offset(own, published[self._product.topics[stream], partition])
        return delays

    def kpi_delays(self, since: float, until: float) -> list[float]:
        """Seconds from append until the window that counts the event is published in every partial table."""
        delays: list[float] = []
        for stream, journal in self._product.journals.items():
            appended = [row["appended_at"].timestamp() for row in self._events(journal, since, until)]
            delays += delays_by_window(appended, self._windows(stream), WINDOW_SECONDS)
        return delays

    def audited(self, since: float) -> list[tuple[float, int]]:
        """(visible at, offsets audited by then) of every publication after an instant."""
        counts: dict[int, int] = defaultdict(int)
        for row in self._seen(COMPLETENESS):
            counts[row["cycle"]] += row["next_offset"] - row["first_offset"]
        total = 0
        found = []
        for cycle in sorted(counts):
            total += counts[cycle]
            found.append((self._visible[cycle], total))
        return [one for one in found if one[0] >= since]

    def _offsets(self) -> dict[tuple[str, int], list[tuple[int, float]]]:
        found: dict[tuple[str, int], list[tuple[int, float]]] = defaultdict(list)
        for row in sorted(self._seen(COMPLETENESS), key=lambda row: row["cycle"]):
            found[row["topic"], row["partition"]].append((row["next_offset"], self._visible[row["cycle"]]))
        return found

    def _windows(self, stream: str) -> list[tuple[float, float]]:
        reached = dict.fromkeys(self._product.partials, 0.0)
        found: list[tuple[float, float]] = []
        rows = [row for row in self._seen(RECONCILIATION) if row["stream"] == stream]
        for row in sorted(rows, key=lambda row: row["cycle"]):
            reached[f"partials.{row['table_name']}"] = row["window_end"].timestamp()
            found.append((min(reached.values()), self._visible[row["cycle"]]))
        # The tables of one cycle follow each other: only the last row of a cycle says what it published.
        last = {visible: end for end, visible in found}
        return [(end, visible) for visible, end in last.items()]

    def _events(self, journal: str, since: float, until: float) -> Iterable[Row]:
        condition = f"appended_at >= '{_iso(since)}' AND appended_at < '{_iso(until)}' AND event_type <> '{CANARY}'"
        fields = ("partition", "offset", "appended_at")
        return self._rows(journal, row_filter=condition, selected_fields=fields)

    def _seen(self, name: str) -> list[Row]:
        return [row for row in self._rows(name) if row["cycle"] in self._visible]

    def _rows(self, name: str, **scan: Any) -> list[Row]:
        rows: list[Row] = self._product.catalog.load_table(name).scan(**scan).to_arrow().to_pylist()
        return rows


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
