"""Logs do not fill the disk, and are readable while they are cut."""

import threading
from pathlib import Path

from deploy.local import logs


def test_a_log_over_the_limit_is_moved_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = logs.path(tmp_path, "kafka")
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old line\n")
        logs.bound(tmp_path, limit=5)
        writer.write(b"new line\n")
    assert log.read_text() == "new line\n"
    assert (tmp_path / "kafka.log.1").read_text() == "old line\n"


def test_the_tail_of_a_log_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "none.log", 10) == []


def test_following_goes_on_at_the_beginning_of_a_log_that_was_cut(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("a long first line\n")
    threading.Timer(0.5, log.write_text, ("short\n",)).start()
    assert next(logs.follow(log)) == "short\n"
