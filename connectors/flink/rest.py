"""What the Flink cluster says over its REST interface: jobs, checkpoints, exceptions."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from contracts.errors import TransientError

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})


class FlinkError(TransientError):
    """The cluster refused or did not answer; the message says what was asked."""


@dataclass(frozen=True)
class Job:
    """One job as the cluster lists it; `state` is Flink's own word, such as RUNNING."""

    id: str
    name: str
    state: str
    start_ms: int


class FlinkRest:
    """Client of one cluster; every call is one request and may be repeated."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def jobs(self, name: str) -> tuple[Job, ...]:
        """Jobs of that name that have not ended, oldest first."""
        listed = self._call("GET", "/jobs/overview")["jobs"]
        jobs = [Job(job["jid"], job["name"], job["state"], job["start-time"]) for job in listed if job["name"] == name]
        return tuple(sorted((job for job in jobs if job.state not in ENDED), key=lambda job: job.start_ms))

    def state(self, job_id: str) -> str:
        """State of a job, whether it has ended or not."""
        return str(self._call("GET", f"/jobs/{job_id}")["state"])

    def tasks_running(self, job_id: str) -> tuple[int, int]:
        """How many of a job's tasks run, and how many there are."""
        counts = [vertex["tasks"] for vertex in self._call("GET", f"/jobs/{job_id}")["vertices"]]
        return sum(count["RUNNING"] for count in counts), sum(sum(count.values()) for count in counts)

    def completed_checkpoints(self, job_id: str) -> int:
        """How many checkpoints of a job have completed since it was submitted."""
        return int(self._call("GET", f"/jobs/{job_id}/checkpoints")["counts"]["completed"])

    def checkpoint(self, job_id: str, timeout: float = 120) -> int:
        """Take a checkpoint now and wait until it has completed; its number. Sinks commit it a moment later.

        Raises:
            FlinkError: it failed, or did not complete within `timeout` seconds.
        """
        trigger = self._call("POST", f"/jobs/{job_id}/checkpoints", {"checkpointType": "CONFIGURED"})["request-id"]
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            answer = self._call("GET", f"/jobs/{job_id}/checkpoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                number = answer["operation"].get("checkpointId")
                if number is None:
                    break
                return int(number)
            time.sleep(0.1)
        message = f"job {job_id}: the checkpoint did not complete"
        raise FlinkError(message)

    def cancel(self, job_id: str, timeout: float = 60) -> None:
        """Cancel a job and wait until it has ended.

        Raises:
            FlinkError: it had not ended after `timeout` seconds.
        """
        if self.state(job_id) not in ENDED:
            self._call("PATCH", f"/jobs/{job_id}?mode=cancel")
        end = time.monotonic() + timeout
        while self.state(job_id) not in ENDED:
            if time.monotonic() > end:
                message = f"job {job_id}: still not cancelled after {timeout:.0f} s"
                raise FlinkError(message)
            time.sleep(0.1)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._uri + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                document: dict[str, Any] = json.loads(answer.read() or b"{}")
                return document
        except (OSError, HTTPException, ValueError) as error:
            message = f"Flink at {self._uri} did not answer {method} {path}: {error}"
            raise FlinkError(message) from error
