"""A small registry on disk that a test may break, and the product's own."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from contracts import registry

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.registry import Registry

STREAM = """\
stream: jobs
title: Jobs
description: Jobs that were done.
owner: job-platform
version: 1.0.0
entities: [job_id]
retention_days: 30
freshness_seconds: 15
attributes: [host]
rules:
  - {parts: [failed_tries, lost_tries], at_most: tries, plus: 1, reason: exceeds_whole}
fields:
  job_id: {type: string, max_length: 8, description: The job.}
  state: {type: string, enum: [ok, bad], description: How it ended.}
  tries: {type: integer, min: 1, max: 9, description: Attempts.}
  share: {type: number, min: 0, max: 1, description: Share that was done.}
  ended_at: {type: time, description: When it ended.}
  cost_usd: {type: money, description: What it cost.}
  is_cheap: {type: boolean, description: True when it cost little.}
  started_at: {type: time, description: When it began.}
  failed_tries: {type: integer, min: 0, description: Attempts that failed.}
  lost_tries: {type: integer, min: 0, description: Attempts of which nothing was heard.}
  why: {type: code, description: Why it was done.}
  log_hash: {type: hash, description: Hash of its log.}
  log_ref: {type: ref, max_length: 40, description: Where its log is.}
  node: {type: string, description: Where it ran; carried by no event type that is tested.}
facts:
  done_jobs: {description: Every job that was done., events: [job.done]}
"""
EVENT = """\
event: job.done
title: Job done
description: A job was done.
required: [job_id, state]
optional: [tries, share, ended_at, cost_usd, is_cheap, started_at, failed_tries, lost_tries, why, log_hash, log_ref]
"""


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """Folder of a correct registry with one stream, `jobs`, and its examples."""
    events, examples = tmp_path / "events", tmp_path / "examples"
    (events / "jobs").mkdir(parents=True)
    shutil.copy(registry.ROOT / "envelope.yaml", tmp_path)
    shutil.copytree(registry.ROOT / "datasets", tmp_path / "datasets")
    shutil.copy(registry.ROOT / "events" / "canary.beat.yaml", events)
    (events / "jobs" / "stream.yaml").write_text(STREAM)
    (events / "jobs" / "job.done.yaml").write_text(EVENT)
    for event_type in ("job.done", "canary.beat"):
        (examples / event_type).mkdir(parents=True)
        (examples / event_type / "usual.pass.json").write_text(json.dumps({"event": {}}))
        expect = {"reason": "missing", "field": "event_type"}
        (examples / event_type / "empty.fail.json").write_text(json.dumps({"expect": expect, "event": {}}))
    return tmp_path


@pytest.fixture
def small(small_root: Path) -> Registry:
    """The registry in `small_root`."""
    return registry.load(small_root)


@pytest.fixture(scope="session")
def product() -> Registry:
    """Daybook's own registry."""
    return registry.load()
