"""A backlog is opened in bites, and what lies behind a bite is not there yet."""

import pytest

from contracts.datasets import journal_of
from tests.pipelines.audit.decisions.scene import Scene
from tests.pipelines.audit.simulation.catalog import File, Record


def test_a_backlog_is_published_bite_by_bite() -> None:
    scene = Scene(bite=3)
    for through in (11, 21, 31, 41):
        scene.deliver("a", "valid", "valid", "valid", through=through)
    proved = []
    for _ in range(4):
        assert scene.auditor.run(0).outcome == "published"
        proved.append(scene.proved("a"))
    assert proved == [10, 20, 30, 40]


def test_a_stream_far_ahead_of_its_windows_is_not_opened_further() -> None:
    scene = Scene(bite=3)
    for through in (11, 21, 31, 41):
        records = [Record(0, through + i, "valid", through + i, 1, through + i) for i in range(3)]
        scene.catalog.commit(journal_of("a"), (File(tuple(records)),), 0)
    scene.catalog.logs["a"][0].extend(Record(0, offset, "absent", 0, 0, 0) for offset in range(44))
    for _ in range(4):
        scene.auditor.run(0)
    journal = scene.catalog.tables[journal_of("a")]
    assert len(journal.rows(journal.tag)) == 3


def test_a_stream_held_for_long_catches_up_bite_by_bite_while_the_others_go_on() -> None:
    scene = Scene(bite=3)
    scene.failing.add("a")
    for through in (11, 21, 31, 41):
        for stream in "ab":
            scene.deliver(stream, "valid", "valid", "valid", through=through)
        scene.auditor.run(0)
    scene.failing.clear()
    proved = []
    for number, through in enumerate((51, 61, 71), 1):
        for stream in "ab":
            scene.deliver(stream, "valid", "valid", "valid", through=through)
        for cycle in range(4):
            scene.auditor.run(10_000 * number + 2_000 * cycle)
        proved.append(scene.proved("a"))
    assert proved[0] < proved[1] < proved[2]
    assert scene.proved("b") == 70


@pytest.mark.parametrize("release", [frozenset[str](), frozenset({"a"})], ids=["judged", "released"])
def test_records_that_are_journaled_behind_the_bite_are_not_refused(release: frozenset[str]) -> None:
    scene = Scene(bite=3)
    log = scene.catalog.logs["a"][0]
    log += [Record(0, n, "valid", n, 1, n) for n in range(6)]
    scene.catalog.commit(journal_of("a"), (File(tuple(log[3:])),), 0)
    scene.catalog.commit(journal_of("a"), (File(tuple(log[:3])),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    for now_ms in range(0, 10_000, 1_000):
        scene.auditor.run(now_ms, release)
    last = scene.catalog.recorded[-1].streams["a"]
    assert (last.hold, last.positions[0].next_offset) == (None, 6)
    assert not any(publication.reports["a"].refused for publication in scene.catalog.recorded[-1:])


def test_records_that_are_journaled_behind_the_bite_are_not_lost_with_the_log() -> None:
    scene = Scene(bite=3)
    log = scene.catalog.logs["a"][0]
    log += [Record(0, n, "valid", n, 1, n) for n in range(6)]
    scene.catalog.starts["a"][0] = 6
    scene.catalog.commit(journal_of("a"), (File(tuple(log[3:])),), 0)
    scene.catalog.commit(journal_of("a"), (File(tuple(log[:3])),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    for now_ms in range(0, 10_000, 1_000):
        scene.auditor.run(now_ms)
    last = scene.catalog.recorded[-1].streams["a"]
    assert (last.hold, last.positions[0].next_offset, last.incidents) == (None, 6, ())
