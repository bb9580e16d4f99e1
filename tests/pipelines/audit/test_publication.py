"""A publication survives the way through JSON."""

import pytest

from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import (
    MISMATCH,
    OTHER_KEYS,
    UNEXPLAINED,
    Account,
    Hold,
    Position,
    Publication,
    StreamFrontier,
    StreamReport,
    UndeclaredKey,
    WindowFrontier,
)

LOSS = Incident(LOST, "gone", 3, "runs.v1", 0, 5, 9)


def publication() -> Publication:
    stream = StreamFrontier(
        positions={0: Position(5, 7, 1_700_000_000_000), 11: Position(0, 0)},
        windows={"kpis": WindowFrontier(20, 30, {0: 5, 11: 0})},
        hold=Hold(MISMATCH, 1, 2),
        incidents=(LOSS,),
    )
    report = StreamReport(
        rows=3,
        windows={"kpis": {"stand": 2}},
        supplemented={"kpis": 1},
        accounts=(Account(0, 0, 5, 3, 1, 1, 0),),
        opened=(LOSS,),
        undeclared=(UndeclaredKey("billing", "run.started", "colour", 2), UndeclaredKey(None, None, OTHER_KEYS, 9)),
    )
    return Publication(4, {"runs": stream}, {"journal.runs": 2**62}, {"journal.runs": 1}, {"runs": report})


def test_a_publication_is_the_same_after_json() -> None:
    assert Publication.from_json(publication().to_json()) == publication()


def test_a_publication_without_a_hold_is_the_same_after_json() -> None:
    free = Publication(1, {"runs": StreamFrontier({}, {})}, {}, {})
    assert Publication.from_json(free.to_json()) == free


def test_a_foreign_text_is_refused() -> None:
    with pytest.raises(KeyError):
        Publication.from_json("{}")


@pytest.mark.parametrize(("reason", "is_incident"), [(MISMATCH, True), (UNEXPLAINED, False)])
def test_only_a_hold_that_needs_somebody_is_an_incident(reason: str, *, is_incident: bool) -> None:
    assert Hold(reason, 0, 0).is_incident is is_incident
