"""The demonstration behind `make demo`: from nothing to three audited answers, on the real engines."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from connectors.instants import instant, now_ms
from connectors.kafka.producer import Producer
from connectors.sources.adapter import adapters
from connectors.trino.client import TrinoClient
from pipelines.cli.output import cell
from pipelines.deployment.provisioning import apply, make_views, obstacle
from pipelines.ingest.file_import import import_source
from pipelines.published import last_publication
from pipelines.simulation.scenario import Scenario
from pipelines.simulation.sending import simulate
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.settings import Settings
    from pipelines.workspace import Workspace

DAYBOOK = str(Path(sys.executable).with_name("daybook"))
EVENTS = 30_000
SESSIONS = Path(__file__).parents[1].parent / "shared" / "data" / "agent-sessions"
PATIENCE_SECONDS = 300

QUESTIONS = {
    "Runs and success by agent": (
        "serving.kpi_run_success_rate",
        """SELECT agent_id, SUM(denominator) AS ended_runs, SUM(numerator) AS succeeded,
  CAST(SUM(numerator) AS DOUBLE) / SUM(denominator) AS success_rate
FROM serving.kpi_run_success_rate_daily
GROUP BY agent_id ORDER BY ended_runs DESC LIMIT 5""",
    ),
    "Tokens and cost by model": (
        "serving.model_calls",
        """SELECT provider, request_model, COUNT(*) AS calls, SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) AS tokens, SUM(cost_usd) AS cost_usd
FROM serving.model_calls
GROUP BY provider, request_model ORDER BY tokens DESC LIMIT 5""",
    ),
    "95th percentile of model latency": (
        "serving.kpi_model_latency",
        """SELECT request_model, MAX(p95) AS worst_daily_p95_ms, SUM(n) AS calls
FROM serving.kpi_model_latency_daily
GROUP BY request_model ORDER BY calls DESC LIMIT 5""",
    ),
}
"""Question -> dataset whose audited time goes with the answer, query."""


def main() -> int:
    """Run every step; the exit code is 0 when the three questions were answered from audited data."""
    console = Console(highlight=False)
    for verb in ("fetch", "up"):
        if _local(verb):
            return 1
    space = workspace()
    for change in apply(space):
        console.print(change)
    for name, words in (("intake", "run intake"), ("canaries", "run canaries"), ("audit", "audit --follow")):
        _local("start", name, "--", DAYBOOK, *words.split())
    console.print("intake job, canaries and audit are started")
    with ThreadPoolExecutor() as pool:
        views = pool.submit(_make_views, space, console)
        sent_ms = _send(space, console)
        if views.result():
            return 1
    if not _await_audit(space.settings, sent_ms, console):
        return 1
    _answer(space.settings, console)
    return 0


def _local(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "deploy.local", *words], check=False).returncode  # noqa: S603 - our own module


def _make_views(space: Workspace, console: Console) -> int:
    """Make the views, by a deployment where something else is deployed; an exit code."""
    if reason := obstacle(space):
        console.print(f"{reason}: deploying what is here")
        return subprocess.run([DAYBOOK, "deploy"], check=False).returncode  # noqa: S603 - our own command
    made = list(make_views(space))
    console.print(f"{len(made)} views made" if made else "views are as they should be")
    return 0


def _send(space: Workspace, console: Console) -> int:
    """Send the simulation, and the real sessions where they are; the time by which all of it was delivered, epoch ms."""
    scenario = Scenario(start_ms=now_ms(), rate=0, count=EVENTS, duplicates=0.02, late=0.02, malformed=0.01)
    with Producer(space.settings.endpoints.kafka) as producer:
        sent = simulate(scenario, space.contracts, producer, space.topics, threading.Event())
        console.print(f"simulated platform: {sent.total:,} messages sent, of which {_faulty(sent.kinds):,} repeated, late or broken")
        if SESSIONS.exists():
            done = import_source(adapters()["agent-sessions"], SESSIONS, producer, space.contracts, space.settings.home)
            console.print(f"real agent sessions: {sum(done.sent.values()):,} events sent, {done.malformed} broken lines reported")
    return now_ms()


def _faulty(kinds: Mapping[str, int]) -> int:
    return sum(count for kind, count in kinds.items() if kind != "good")


def _await_audit(settings: Settings, sent_ms: int, console: Console) -> bool:
    """Wait until facts and KPIs are published past `sent_ms`, saying how far they are."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    known = "nothing published yet"
    with console.status("waiting for the audit") as status:
        while time.monotonic() < deadline:
            through = last_publication(settings)
            if through and through.facts_ms > sent_ms and through.kpis_ms > sent_ms:
                console.print(f"audited through {_clock(through.kpis_ms)}")
                return True
            if through:
                known = f"facts through {_clock(through.facts_ms)}, KPIs through {_clock(through.kpis_ms)}"
            status.update(f"waiting for the audit to pass {_clock(sent_ms)}: {known}")
            time.sleep(1)
    console.print(f"the audit did not pass {_clock(sent_ms)} within {PATIENCE_SECONDS} s; see `daybook status`")
    return False


def _answer(settings: Settings, console: Console) -> None:
    trino = TrinoClient(settings.endpoints.trino, settings.trino_user)
    for title, (dataset, query) in QUESTIONS.items():
        # Asked first: the answer may know more than that, never less.
        through = trino.query(f"SELECT MIN(LEAST(facts_through, kpis_through)) FROM serving.dataset_status WHERE dataset = '{dataset}'")[1][0][0]
        names, rows = trino.query(query)
        table = Table(*names, title=title, title_justify="left", caption=f"audited through {through:%Y-%m-%d %H:%M:%S} UTC", caption_justify="left")
        for row in rows:
            table.add_row(*(f"{value:,.3f}" if isinstance(value, float) else cell(value) for value in row))
        console.print(table)
    console.print(
        'Go on: `.venv/bin/daybook status`, `.venv/bin/daybook sql "SELECT * FROM serving.runs LIMIT 10"`, '
        "`.venv/bin/daybook simulate --rate 200 --duration 60`; `make down` ends it."
    )


def _clock(moment_ms: int) -> str:
    return instant(moment_ms).strftime("%H:%M:%S") if moment_ms > 0 else "never"


if __name__ == "__main__":
    sys.exit(main())
