"""Many streams at rest: `python -m tests.benchmarks.rest [--toys N]`. It tells and never asserts."""

import argparse
import os
import signal
import sys
import tempfile
import time
from math import nan
from pathlib import Path
from statistics import median

from tests.benchmarks.meters import Meter
from tests.benchmarks.product import Product
from tests.benchmarks.progress import say
from tests.benchmarks.stack import running
from tests.benchmarks.toys import declare

PORT_BASE = 25000
SERVICES = ("taskmanager", "jobmanager", "catalog", "kafka", "canaries", "audit")
SETTLE_SECONDS = 20.0


def main() -> int:
    """Run on a stack of its own; a table on standard output, progress on standard error."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="daybook-rest-") as folder:
        contracts, definitions = declare(Path(folder), options.toys)
        os.environ.update(DAYBOOK_CONTRACTS=str(contracts), DAYBOOK_DEFINITIONS=str(definitions))
        with running(Path(folder) / "home", options.port_base) as stack:
            product, meter = Product(stack), Meter(stack, SERVICES)
            product.start()
            meter.start()
            time.sleep(SETTLE_SECONDS)
            began = time.time()
            say(f"{len(product.journals)} streams at rest for {options.seconds:.0f} s")
            time.sleep(options.seconds)
            ended = time.time()
            meter.stop()
            seconds = product.cycles(began, ended)
            streams = len(product.journals)
            rows = [f"| cycles that published, of {streams} streams | {len(seconds)} |"]
            rows += [f"| cycle, {name} | {value:.2f} s |" for name, value in (("median", median(seconds or [nan])), ("longest", max(seconds, default=nan)))]
            rows += [f"| {name}, cores | {meter.used(name, began, ended) / (ended - began):.3f} |" for name in SERVICES]
            rows += [f"| audit, memory at most | {meter.peak_megabytes('audit'):.0f} MB |"]
    sys.stdout.write("\n".join(["| at rest | |", "| --- | --- |", *rows]) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rest", description="Cost of the audit's cycle with streams that nobody has tuned.")
    parser.add_argument("--toys", type=int, default=6, help="streams beside the product's own (default 6)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look (default 60)")
    parser.add_argument("--port-base", type=int, default=PORT_BASE, help=f"first port of the stack (default {PORT_BASE})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
