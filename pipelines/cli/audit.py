"""`daybook audit`: cycles of the one audit that publishes."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from connectors.instants import now_ms
from pipelines.audit.releases import ReleaseRequests
from pipelines.cli.output import clock, counts, iso, json_option, say, say_at, say_json
from pipelines.failures import is_transient, sentence
from pipelines.locks import LockedError, exclusive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event as StopSignal

    from pipelines.audit.decisions.cycle import CycleReport
    from pipelines.audit.engine.iceberg_lake import IcebergLake
    from pipelines.audit.publication import Publication, StreamReport
    from pipelines.settings import Settings

EXAMPLES = """\b
Examples:
  daybook audit                          publish what is committed by now, then end
  daybook audit --follow                 publish for ever, a line per publication
  daybook audit --explain runs           say why a stream is held, since when, what is concerned and what to do
  daybook audit --release runs           judge a held stream now, by the journal; close its incidents
  daybook audit --follow --json          a line of JSON per cycle"""
LONGEST_WAIT_S = 30.0
RELEASE_S = 60.0
"""How long an audit that runs may take to do what was asked."""
TIDY_S = 60.0
"""Seconds between two clearings of old snapshots."""


@click.command(epilog=EXAMPLES)
@click.option("--once/--follow", default=True, help="Publish what is committed by now (default), or go on until SIGTERM.")
@click.option("--release", metavar="STREAM", multiple=True, help="Publish a held stream by the journal and close its incidents; may be repeated.")
@click.option("--explain", metavar="STREAM", help="Say why a stream is held and what to do; nothing is changed.")
@json_option
def audit(*, once: bool, release: tuple[str, ...], explain: str | None, as_json: bool) -> int:
    """Prove what is new, and publish what is proved.

    Exit code 1 when a stream is held after the last cycle, or when another audit runs; that one does what --release asks.
    """
    from pipelines.settings import load
    from pipelines.signals import stop_signal

    settings = load()
    settings.endpoints  # noqa: B018 - without a stack there is nothing to lock
    if explain:
        _refuse_unknown(settings, (explain,), "--explain")
        return _explain(settings, explain)
    _refuse_unknown(settings, release, "--release")
    session = AuditSession(settings, frozenset(release), stop_signal(), is_once=once, as_json=as_json)
    try:
        with exclusive(settings.home / "audit" / "lock", wait=False):
            session.run()
    except LockedError as error:
        if release:
            return _ask(settings, frozenset(release))
        message = f"another audit runs, and only one may publish ({error})"
        raise click.ClickException(message) from error
    return 1 if session.is_held else 0


def _ask(settings: Settings, streams: frozenset[str]) -> int:
    """Let the audit that runs release the streams."""
    requests = ReleaseRequests(settings.home)
    requests.ask(streams)
    say_at(f"the audit that runs is asked to release {', '.join(sorted(streams))}")
    left = requests.await_done(streams, RELEASE_S)
    for stream in sorted(streams - left):
        say_at(f"{stream} is released")
    for stream in sorted(left):
        say_at(f"{stream} is still held after {RELEASE_S:.0f} s: `daybook audit --explain {stream}` says why", sys.stderr)
    return 1 if left else 0


def _explain(settings: Settings, stream: str) -> int:
    from pipelines.cli.explanation import explained
    from pipelines.published import read_publication

    published = read_publication(settings)
    if published is None or stream not in published.streams:
        say(f"{stream}: nothing is published yet")
        return 1
    for line in explained(stream, published.streams[stream]):
        say(line)
    return 1 if published.streams[stream].hold else 0


def _refuse_unknown(settings: Settings, release: tuple[str, ...], option: str) -> None:
    from pipelines.intake.deployed import deployed_workspace

    streams = deployed_workspace(settings).contracts.streams if release else {}
    unknown = set(release) - streams.keys()
    if unknown:
        message = f"{', '.join(sorted(unknown))} is not a stream; there are {', '.join(streams)}"
        raise click.BadParameter(message, param_hint=option)


class AuditSession:
    """Runs cycles until what was there is published or `stop` is set; an engine that is away is waited for."""

    def __init__(self, settings: Settings, release: frozenset[str], stop: StopSignal, *, is_once: bool, as_json: bool) -> None:
        """Touches nothing yet."""
        self._settings = settings
        self._release = release
        self._requests = ReleaseRequests(settings.home)
        self._stop = stop
        self._is_once = is_once
        self._as_json = as_json
        self._failures = 0
        self._published = 0
        self._begun_ms = now_ms()
        self._tidied = time.monotonic()
        self.is_held = False

    def run(self) -> None:
        """Begin anew after every failure that may pass, later each time; with `is_once` such a failure ends it."""
        is_done = False
        while not is_done and not self._stop.is_set():
            try:
                is_done = self._cycles()
            except Exception as error:
                if self._is_once or not is_transient(error):
                    raise
                self._wait_out(sentence(error))

    def _cycles(self) -> bool:
        """Cycles of one auditor; True when nothing is left, False to go on with a new one."""
        from pipelines.audit.decisions.cycle import Auditor
        from pipelines.audit.engine.iceberg_lake import IcebergLake
        from pipelines.intake.deployed import deployed_workspace

        settings = self._settings
        with closing(IcebergLake(deployed_workspace(settings))) as lake:
            auditor = Auditor(lake, settings.gap_budget, bite=settings.audit_bite_rows)
            while not self._stop.is_set():
                begun = time.monotonic()
                self._release |= self._requests.asked()
                report = auditor.run(now_ms(), self._release)
                self._tell(report, time.monotonic() - begun)
                if report.outcome == "conflict":
                    self._wait_out("another process committed first, or something else is deployed")
                    return False
                self._failures = 0
                self._tidy(lake)
                is_quiet = report.outcome in {"idle", "waiting"}
                if self._is_once and (is_quiet or self._is_caught_up(lake, report)):
                    return True
                if is_quiet:
                    self._stop.wait(settings.audit_interval_seconds)
        return False

    def _is_caught_up(self, lake: IcebergLake, report: CycleReport) -> bool:
        """True when all that was committed before this session is published, held streams aside: a busy job always has more."""
        from contracts.datasets import journal_of, partial_of

        if report.publication is None or report.outcome != "published":
            return False
        flowing = [journal_of(stream) for stream, frontier in report.publication.streams.items() if not frontier.hold]
        tables = [*(partial_of(name) for name in lake.partials), *flowing]
        waiting = (commit for table in tables for commit in lake.commits(table, report.publication.targets[table]))
        return all(commit.committed_ms > self._begun_ms for commit in waiting)

    def _tidy(self, lake: IcebergLake) -> None:
        """Now and then let the tables' metadata forget what no reader needs any more."""
        if time.monotonic() - self._tidied > TIDY_S:
            self._tidied = time.monotonic()
            lake.tidy(now_ms())

    def _tell(self, report: CycleReport, seconds: float) -> None:
        published = report.publication
        if published:
            self.is_held = any(frontier.hold and frontier.hold.is_incident for frontier in published.streams.values())
        if published and report.outcome == "published":
            done = {stream for stream in self._release if not published.streams[stream].hold}
            self._release -= done
            self._requests.close(done)
        if report.repaired and not self._as_json:
            say_at(f"double commits removed from {', '.join(report.repaired)}")
        if self._as_json:
            say_json(_document(report, seconds), indent=None)
        elif published and report.outcome == "published":
            say_at(describe(published, seconds))
        elif self._is_once:
            say_at(f"nothing {'more ' if self._published else ''}to publish")
        self._published += report.outcome == "published"

    def _wait_out(self, reason: str) -> None:
        wait = min(self._settings.audit_interval_seconds * 2**self._failures, LONGEST_WAIT_S)
        self._failures += 1
        self._say(f"{reason}; trying again in {wait:g} s")
        self._stop.wait(wait)

    def _say(self, text: str) -> None:
        say_at(text, sys.stderr if self._as_json else None)


def describe(publication: Publication, seconds: float) -> str:
    """A publication in one line: J and W, counts and holds per stream."""
    streams = (_describe_stream(publication, stream) for stream in publication.streams)
    return f"cycle {publication.cycle} in {seconds:.1f} s: {'; '.join(streams)}"


def replaced(report: StreamReport) -> dict[str, int]:
    """Windows whose rows the audit replaced, by reason: of the table with the most, since every table has the same windows."""
    from pipelines.audit.decisions.verdict import CORRECT

    reasons = {reason for verdicts in report.windows.values() for reason in verdicts} - CORRECT
    return {reason: max(verdicts.get(reason, 0) for verdicts in report.windows.values()) for reason in sorted(reasons)}


def _describe_stream(publication: Publication, stream: str) -> str:
    from pipelines.audit.publication import facts_through, kpis_through

    frontier = publication.streams[stream]
    if frontier.hold and frontier.hold.is_incident:
        return f"{stream} HELD since {clock(frontier.hold.since_ms)} ({frontier.hold.reason})"
    report = publication.reports[stream]
    numbers = {
        "rows": report.rows,
        "duplicates": report.duplicates,
        "of them conflicting": report.conflicting,
        "quarantined": report.quarantined,
        "absent": report.absent,
        **{f"windows replaced ({reason})": number for reason, number in replaced(report).items()},
        "late rows added": max(report.supplemented.values(), default=0),
    }
    found = counts(numbers) or "nothing new"
    waiting = f", {frontier.hold.reason}" if frontier.hold else ""
    wrong = "".join(f", {incident.kind.upper()} since {clock(incident.since_ms)}: {incident.detail}" for incident in frontier.incidents)
    return f"{stream} J {clock(facts_through(frontier))} W {clock(kpis_through(frontier))}, {found}{waiting}{wrong}"


def _document(report: CycleReport, seconds: float) -> dict[str, Any]:
    publication = report.publication
    return {
        "at": iso(now_ms()),
        "outcome": report.outcome,
        "seconds": round(seconds, 3),
        "cycle": publication.cycle if publication else None,
        "repaired": report.repaired,
        "streams": {stream: _stream_document(publication, stream, is_new=report.outcome == "published") for stream in _streams(publication)},
    }


def _streams(publication: Publication | None) -> Mapping[str, Any]:
    return publication.streams if publication else {}


def _stream_document(publication: Publication | None, stream: str, *, is_new: bool) -> dict[str, Any]:
    from pipelines.audit.publication import facts_through, kpis_through

    if publication is None:
        return {}
    frontier = publication.streams[stream]
    found = asdict(publication.reports[stream]) if is_new else {}
    hold = asdict(frontier.hold) if frontier.hold else None
    return {
        "facts_through": iso(facts_through(frontier)),
        "kpis_through": iso(kpis_through(frontier)),
        **found,
        "hold": hold,
        "incidents": [asdict(one) for one in frontier.incidents],
    }
