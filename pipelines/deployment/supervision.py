"""Keeps the intake job running: adopts the one that is there, and starts it again when the cluster has lost it."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING

from connectors.flink.rest import FlinkError
from contracts.errors import DaybookError
from pipelines.deployment import cutover
from pipelines.failures import exit_code, sentence
from pipelines.intake.deployed import is_deployed
from pipelines.locks import LockedError, exclusive
from pipelines.settings import Settings, load
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as StopSignal

LOOK_SECONDS = 2.0
TOPIC_SECONDS = 5.0
"""How often the topics are looked at."""
LOST_LOOKS = 3
"""A job is lost when the cluster answers so many times in a row without it: one that restarts reads its jobs back first."""


class SubmitError(DaybookError):
    """The job could not be submitted; the submitting process has said why."""


def keep(settings: Settings, stop: StopSignal, say: Callable[[str], None]) -> None:
    """Watch the intake job until `stop` is set; it goes on running afterwards. May be restarted at any time.

    Raises:
        SubmitError: the first submission failed, so that it is better to look than to try again.
    """
    missing = LOST_LOOKS - 1
    known: str | None = None
    looked = -TOPIC_SECONDS
    while not stop.is_set():
        try:
            job = cutover.running_job(settings)
        except FlinkError:
            stop.wait(LOOK_SECONDS)
            continue
        missing = 0 if job else missing + 1
        if job and job.id == known and time.monotonic() - looked > TOPIC_SECONDS:
            looked = time.monotonic()
            missing = LOST_LOOKS if _is_cancelled(settings, job.id, say) else 0
        if job and job.id != known:
            known = job.id
            say(f"intake job {job.id} is {job.state.lower()}; {_age_of()}")
        elif missing >= LOST_LOOKS and not _is_being_replaced(settings):
            say("starting the intake job" if known is None else f"intake job {known} is gone; starting it again where the tables stop")
            submit(is_first=known is None)
            missing = 0
        stop.wait(LOOK_SECONDS)


def submit(*, is_first: bool = True) -> None:
    """Start the job from a process of its own, so that the Flink client's memory goes when it is done.

    Raises:
        SubmitError: that process failed, and `is_first`.
    """
    process = multiprocessing.get_context("spawn").Process(target=_submit)
    process.start()
    process.join()
    if process.exitcode and is_first:
        message = f"the intake job could not be submitted (exit code {process.exitcode})"
        raise SubmitError(message)


def _submit() -> None:
    cutover.ensure(load())


def _is_cancelled(settings: Settings, job_id: str, say: Callable[[str], None]) -> bool:
    """Cancel a job that reads another topic than it was started for; an engine that does not answer is asked again later."""
    try:
        if _is_being_replaced(settings) or not cutover.has_other_topics(settings, job_id):
            return False
        say(f"a topic that intake job {job_id} reads is not the one that it was started for")
        cutover.cancel(settings)
    except Exception as error:
        if exit_code(error) is None:
            raise
        return False
    return True


def _is_being_replaced(settings: Settings) -> bool:
    try:
        with exclusive(settings.home / cutover.LOCK, wait=False):
            return False
    except LockedError:
        return True


def _age_of() -> str:
    try:
        is_current = is_deployed(workspace())
    except Exception as error:
        if exit_code(error) is None:
            raise
        return f"whether its definition is current is not known: {sentence(error)}"
    return "it is what is here" if is_current else "it is not what is here: `daybook deploy` replaces it"
