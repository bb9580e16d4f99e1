"""The benchmark: `python -m tests.benchmarks [--quick] [--json FILE]`. It tells and never asserts."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import machine, report
from tests.benchmarks.progress import say
from tests.benchmarks.scale import QUICK, Scale
from tests.benchmarks.schedule import Schedule
from tests.benchmarks.stack import running

PORT_BASE = 25000


def main() -> int:
    """Run on a stack of its own; Markdown on standard output, progress on standard error."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    given = {name.name: getattr(options, name.name) for name in fields(Scale) if getattr(options, name.name) is not None}
    scale = replace(QUICK if options.quick else Scale(), **given)
    home = options.home or Path(tempfile.mkdtemp(prefix="daybook-benchmark-"))
    facts, begun = machine.facts(), time.monotonic()
    try:
        with running(home, options.port_base) as stack:
            schedule = Schedule(stack, scale)
            figures = schedule.run_journals() if options.journals else schedule.run()
    finally:
        if not options.home:
            shutil.rmtree(home, ignore_errors=True)
    run = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {(time.monotonic() - begun) / 60:.1f} minutes"
    figures |= {"machine": facts, "versions": machine.pinned(), "scale": asdict(scale), "run": run}
    figures["goals"] = report.summary(figures) if figures["product"] else {}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    sys.stdout.write(report.markdown(figures))
    say("done")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Cost, latency and recovery, beside Kafka Connect's Iceberg sink.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few minutes; its figures are rough")
    parser.add_argument("--journals", action="store_true", help="only the journals' path, without partials and audit, and what fields cost")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--home", type=Path, help="run directory to use and to keep (default: a temporary one)")
    parser.add_argument("--port-base", type=int, default=PORT_BASE, help=f"first port of the stack (default {PORT_BASE})")
    for field in fields(Scale):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), help=f"default {field.default}, quick {getattr(QUICK, field.name)}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
