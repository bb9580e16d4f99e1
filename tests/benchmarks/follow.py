"""Processes of the product that the benchmark supervises: `python -m tests.benchmarks.follow audit LOG | canaries`."""

import json
import sys
import time
from pathlib import Path
from threading import Event

from connectors.kafka.canary import CanaryTarget, run_canaries
from contracts import registry as contract_registry
from kpis import registry as kpi_registry
from pipelines import settings as product_settings
from pipelines.audit.cycle import Auditor
from pipelines.audit.iceberg_lake import IcebergLake
from pipelines.signals import stop_signal


def audit(log: Path, stop: Event) -> None:
    """Run cycles until told to stop; a line of JSON per cycle: when it began, its outcome, its seconds."""
    settings = product_settings.load()
    contracts = contract_registry.load()
    auditor = Auditor(IcebergLake(settings, contracts, kpi_registry.load(contracts)), budget=settings.gap_budget)
    with log.open("a", buffering=1) as lines:
        while not stop.is_set():
            began = time.time()
            report = auditor.run(int(began * 1000))
            lines.write(json.dumps({"at": began, "outcome": report.outcome, "seconds": time.time() - began}) + "\n")
            if report.outcome in {"idle", "waiting"}:
                stop.wait(settings.audit_interval_seconds)


def canaries(stop: Event) -> None:
    """Send canaries to every topic until told to stop."""
    streams = contract_registry.load().streams.values()
    targets = [CanaryTarget(stream.topic, tuple(stream.entities)) for stream in streams]
    run_canaries(product_settings.load().endpoints.kafka, targets, stop)


if __name__ == "__main__":
    stop = stop_signal()
    if sys.argv[1] == "audit":
        audit(Path(sys.argv[2]), stop)
    else:
        canaries(stop)
