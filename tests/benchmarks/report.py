"""The figures as Markdown, each goal beside its figure."""

from collections.abc import Iterable, Mapping
from statistics import mean
from typing import Any

Figures = Mapping[str, Any]
PATHS = ("journals", "connect", "30 fields", "70 fields")
GOALS = {"facts": (6, 9, 12), "kpis": (15, 20, 30)}


def markdown(figures: Figures) -> str:
    """Every table of the report."""
    whole = (_summary, _backlog, _live, _idle, _latency, _sizes) if figures["product"] else ()
    journals = (_journals,) if "journals" in figures else ()
    parts = [part(figures) for part in (_facts, *whole, *journals)]
    return "\n\n".join(parts) + "\n"


def summary(figures: Figures) -> dict[str, float | None]:
    """The figures that goals are about; costs in core-seconds per million events, means over the rounds."""
    job, peer = (_mean_of(_rounds(figures[side], "backlog"), "slope_core_seconds_per_million") for side in ("product", "peer"))
    audit = _mean(one["audit"]["core_seconds_per_million"] for one in _rounds(figures["product"], "backlog"))
    live = [one["core_seconds_per_million"] for one in _rounds(figures["product"], "live")]
    live_peer = _mean(one["core_seconds_per_million"]["connect"] for one in _rounds(figures["peer"], "live"))
    live_both = _mean(one["taskmanager"] + one["audit"] for one in live)
    return {
        "job": job,
        "audit": audit,
        "connect": peer,
        "partial_rows": _mean_of(_rounds(figures["product"], "backlog"), "partial_rows_per_event"),
        "ratio_backlog": (job + audit) / peer if job and audit and peer else None,
        "ratio_live": live_both / live_peer if live_both and live_peer else None,
        "recovery": max((one["facts_seconds"] for one in figures["recovery"]), default=None),
        "recovery_kpis": max((one["kpis_seconds"] for one in figures["recovery"]), default=None),
    }


def _facts(figures: Figures) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in figures["machine"].items())
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    event = figures["event"]
    sizes = f"{event['value_bytes']:.0f} bytes of JSON, {event['key_and_header_bytes']:.0f} of key and headers"
    lines = (f"Machine: {machine}.", f"Versions: {versions}.", f"Event: {sizes}. Scale: {figures['scale']}.", f"Run: {figures['run']}.", *_warnings(figures))
    return "\n\n".join(("# Benchmark", *lines))


def _warnings(figures: Figures) -> tuple[str, ...]:
    quiet = float(figures["machine"]["load before"]) < 1
    return () if quiet else ("**Others used this machine: waits are too long, and costs too high by what each second costs.**",)


def _summary(figures: Figures) -> str:
    found = summary(figures)
    audit, idle = figures["audit"], figures["product"]["idle"]["cycle_seconds"]
    rows = [
        ("job + audit over Connect, backlog", found["ratio_backlog"], "<= 1.0", "core-seconds per core-second"),
        ("job + audit over Connect, live", found["ratio_live"], "", "with the floor, see idle"),
        ("job, backlog", found["job"], "", "core-s / M events, slope"),
        ("Connect, backlog", found["connect"], "", "core-s / M events, slope"),
        ("audit, backlog", found["audit"], "<= 8", "core-s / M events, all of it"),
        ("partial rows per event, backlog", found["partial_rows"], "<= 0.35", "rows"),
        *((f"facts {rank}", figures["latency"]["facts"][rank], f"<= {goal}", "s") for rank, goal in zip(("p50", "p95", "p99"), GOALS["facts"], strict=True)),
        *((f"KPIs {rank}", figures["latency"]["kpis"][rank], f"<= {goal}", "s") for rank, goal in zip(("p50", "p95", "p99"), GOALS["kpis"], strict=True)),
        ("facts after a kill, worst", found["recovery"], "<= 30", "s"),
        ("KPIs after a kill, worst", found["recovery_kpis"], "", "s"),
        ("audit, memory at most", audit["peak_megabytes"], "<= 1000", "MB resident"),
        ("audit cycle at rest, median", idle["median"], "<= 3", "s"),
        ("audit cycle at rest, longest", idle["max"], "", "s"),
    ]
    return "## Goals\n\n" + _table(("figure", "value", "goal", "unit"), rows)


def _backlog(figures: Figures) -> str:
    rows = []
    for side, service in (("product", "taskmanager"), ("peer", "connect")):
        for name, one in _named(figures[side], ("warm-up", "backlog")):
            apart = one["apart_core_seconds_per_million"]
            costs = (one["slope_core_seconds_per_million"], one["total_core_seconds_per_million"], one["commits_at_full_load"])
            pace = one["events"] / one["seconds"]
            tail = (one["compiling_core_seconds"], apart["jobmanager"], apart["catalog"], apart["kafka"])
            rows.append((f"{service}, {name}", *costs, pace, *tail, one.get("audit", {}).get("core_seconds_per_million"), one.get("partial_rows_per_event")))
    head = ("process, phase", "slope", "total", "points", "events/s", "JIT core-s", "JobManager", "catalog", "broker", "audit", "partial rows/event")
    return "## Backlog: core-seconds per million events\n\nThe warm-up counts for nothing.\n\n" + _table(head, rows)


def _journals(figures: Figures) -> str:
    found = figures["journals"]
    rows = [
        (name, one["slope_core_seconds_per_million"], one["total_core_seconds_per_million"], one["commits_at_full_load"], one["events"] / one["seconds"])
        for name, one in found.items()
    ]
    costs = {what: _mean(_cost(one) for name, one in found.items() if name.startswith(f"{what} backlog")) for what in PATHS}
    ratios = [("journals over Connect", costs["journals"], costs["connect"], "<= 0.6"), ("70 fields over 30", costs["70 fields"], costs["30 fields"], "")]
    goals = _table(("figure", "value", "goal"), [(what, one / other if one and other else None, goal) for what, one, other, goal in ratios])
    head = ("path, phase", "slope", "total", "points", "events/s")
    return f"## Journals alone: core-seconds per million events\n\n{goals}\n\n{_table(head, rows)}"


def _cost(one: Figures) -> float:
    """The slope; of a run with too few commits all that was used."""
    return float(one["slope_core_seconds_per_million"] or one["total_core_seconds_per_million"])


def _live(figures: Figures) -> str:
    rows = []
    for side in ("product", "peer"):
        for name, one in _named(figures[side], ("live",)):
            cost = one["core_seconds_per_million"]
            services = [cost.get(service) for service in ("taskmanager", "audit", "connect", "jobmanager", "catalog", "kafka")]
            rows.append((f"{side}, {name}", one["events_per_second"], *services, one.get("partial_rows_per_event")))
    head = ("phase", "events/s", "TaskManager", "audit", "Connect", "JobManager", "catalog", "broker", "partial rows/event")
    return "## Live: core-seconds per million events, floor included\n\n" + _table(head, rows)


def _idle(figures: Figures) -> str:
    rows = [(side, service, cores) for side in ("product", "peer") for service, cores in figures[side]["idle"]["cores"].items()]
    return "## Idle floor: cores, canaries only (the peer without any record)\n\n" + _table(("side", "process", "cores"), rows)


def _latency(figures: Figures) -> str:
    latency = figures["latency"]
    rows = [(name, *(latency[name][rank] for rank in ("p50", "p95", "p99"))) for name in ("facts", "kpis")]
    rows += [(f"kill {number}", one["facts_seconds"], one["kpis_seconds"], None) for number, one in enumerate(figures["recovery"], start=1)]
    text = f"Of all {latency['events']} live events: from the broker's append time to the publication, after its tags moved, that contains the event."
    return f"## Event to audited answer, seconds (after a kill: facts, KPIs)\n\n{text}\n\n" + _table(("", "p50", "p95", "p99"), rows)


def _sizes(figures: Figures) -> str:
    head = ("table", "rows", "snapshots", "data files", "data MB", "manifests", "manifests MB", "metadata files", "metadata MB", "newest metadata kB")
    rows = [
        (
            *(one["table"], one["rows"], one["snapshots"], one["data_files"], one["data_bytes"] / 1e6),
            *(one["manifest_files"], one["manifest_bytes"] / 1e6, one["metadata_files"], one["metadata_bytes"] / 1e6, one["newest_metadata"] / 1e3),
        )
        for one in figures["sizes"]
    ]
    return "## Files after the run\n\n" + _table(head, rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_cell(value) for value in row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _named(side: Figures, prefixes: tuple[str, ...]) -> list[tuple[str, Figures]]:
    return [(name, one) for name, one in side.items() if name.startswith(prefixes)]


def _rounds(side: Figures, prefix: str) -> list[Figures]:
    return [one for _, one in _named(side, (prefix,))]


def _mean_of(rounds: list[Figures], key: str) -> float | None:
    return _mean(one[key] for one in rounds if one[key] is not None)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return mean(known) if known else None
