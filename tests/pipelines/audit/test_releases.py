"""Requests to release a stream, between two processes."""

from pathlib import Path

from pipelines.audit.releases import ReleaseRequests


def test_what_was_asked_is_seen_by_another_process_until_it_is_done(tmp_path: Path) -> None:
    ReleaseRequests(tmp_path).ask(["runs", "model_calls"])
    assert ReleaseRequests(tmp_path).asked() == {"runs", "model_calls"}
    ReleaseRequests(tmp_path).close(["runs"])
    assert ReleaseRequests(tmp_path).asked() == {"model_calls"}


def test_nothing_is_asked_in_a_new_home(tmp_path: Path) -> None:
    assert ReleaseRequests(tmp_path).asked() == frozenset()


def test_a_release_that_is_done_is_not_waited_for(tmp_path: Path) -> None:
    assert ReleaseRequests(tmp_path).await_done(frozenset({"runs"}), timeout_s=60) == frozenset()


def test_a_request_that_nobody_answers_is_withdrawn(tmp_path: Path) -> None:
    requests = ReleaseRequests(tmp_path)
    requests.ask(["runs"])
    assert requests.await_done(frozenset({"runs"}), timeout_s=0) == {"runs"}
    assert requests.asked() == frozenset()
