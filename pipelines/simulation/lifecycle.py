"""The life of one run, told as a generator: each event, then the pause until the next one."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from pipelines.simulation.population import BOOKS, PROCEDURES, QUEUES, USERS_PER_TENANT, Agent, agents_of

if TYPE_CHECKING:
    from pipelines.simulation.dice import Dice
    from pipelines.simulation.population import Model

Event = dict[str, Any]
Lifecycle = Generator[tuple[str, Event, int | None], int, None]
"""Yields stream, event and the pause in ms until the next event (None after the last); is sent the time in epoch ms."""
Stage = Generator[tuple[str, Event, int | None], int, int]
"""Part of a life; returns the time at which it ended."""

SOURCE = "orchestrator"
GATEWAY = "model-gateway"
RATE_LIMITED = 429
OUTCOMES = ["run.succeeded"] * 88 + ["run.failed"] * 6 + ["run.cancelled"] * 3 + ["run.timed_out"] * 2 + ["quiet"]
"""How runs end, in hundredths; a quiet one is never heard of again."""
OUTCOME_FIELDS: dict[str, Event] = {
    "run.succeeded": {"progress": 1},
    "run.failed": {"error_type": "step_failed", "progress": 0.5},
    "run.cancelled": {"status_reason": "user_request"},
    "run.timed_out": {"status_reason": "deadline"},
}
STEP_ERRORS = ["tool_error", "validation", "timeout"]
STEP_FAILS, CALL_FAILS, RUN_RETRIED, HAS_PARENT, ENGINE_REPORTS, CACHED, STOPS = 0.04, 0.03, 0.5, 0.125, 0.1, 0.6, 0.7
MAX_ATTEMPTS = 3
PATIENCE = 2
"""Failed calls after which the agent takes another model."""


class Run:
    """What one run remembers; `common` are the fields that all its events carry."""

    def __init__(self, agent: Agent, now: int, dice: Dice) -> None:
        """Begin a run of an agent; its events reach us a constant lag after they happened."""
        self.agent = agent
        self.lag = 5 + dice.below(200)
        self.run_id = f"run-{dice.digits(16)}"
        self.created_at = now - self.lag
        self.attempt = 1
        self.common: Event = {
            "schema_version": 1,
            "tenant_id": agent.tenant_id,
            "region": agent.region,
            "environment": agent.environment,
            "correlation_id": f"req-{dice.digits(12)}",
            "trace_id": dice.digits(32),
            "session_id": f"session-{dice.digits(10)}",
            "user_id": f"user-{agent.tenant_id}-{dice.below(USERS_PER_TENANT):03d}",
            "run_id": self.run_id,
        }
        self.lifecycle: Event = {
            "run_kind": agent.run_kind,
            "process_id": agent.process_id,
            "process_version": agent.process_version,
            "agent_id": agent.agent_id,
            "agent_version": agent.agent_version,
            "queue": dice.pick(QUEUES),
            "created_at": self.created_at,
        }
        if agent.run_kind == "workflow":
            self.lifecycle["workflow_id"] = f"workflow-{agent.process_id}"


class Lifecycles:
    """Begins runs of the platform's agents and lets them live."""

    def __init__(self, dice: Dice, tenants: int) -> None:
        """Draw the population and the tables of durations once."""
        self._dice = dice
        self._agents = dice.zipf([agents_of(tenant, dice) for tenant in range(tenants)])
        self._parents: dict[str, tuple[str, str]] = {}
        self._wait = dice.durations(120, 0.8)
        self._think = dice.durations(700, 0.9)
        self._tokens_in = dice.durations(2400, 1.0)
        self._tokens_out = dice.durations(220, 1.0)

    def life(self, now: int) -> Lifecycle:
        """Tell a run from its creation at `now` to its end, or to the point where nobody hears of it again."""
        dice = self._dice
        run = Run(dice.pick(dice.pick(self._agents)), now, dice)
        self._place_in_tree(run)
        now = yield self._lifecycle(run, now, "run.created", dice.pick(self._wait), attempt=1)
        while True:
            started_at = now - run.lag
            now = yield self._lifecycle(run, now, "run.started", dice.pick(self._wait), attempt=run.attempt, started_at=started_at)
            now = yield from self._work(run, now, started_at)
            outcome = dice.pick(OUTCOMES)
            if outcome == "quiet":
                yield self._engine(run, now, "waiting", None)
            if outcome == "run.cancelled":
                now = yield self._command(run, now, "cancel", dice.pick(self._wait))
            again = outcome == "run.failed" and run.attempt < MAX_ATTEMPTS and dice.share() < RUN_RETRIED
            pause = dice.pick(self._wait) if again else None
            fields = {"attempt": run.attempt, "started_at": started_at} | OUTCOME_FIELDS[outcome]
            now = yield self._lifecycle(run, now, outcome, pause, **fields)
            now = yield self._command(run, now, "retry", dice.pick(self._wait))
            run.attempt += 1

    def _work(self, run: Run, now: int, started_at: int) -> Stage:
        steps = 2 + self._dice.below(4)
        for number in range(1, steps + 1):
            now = yield from self._step(run, now, number)
            if self._dice.share() < ENGINE_REPORTS:
                now = yield self._engine(run, now, "running", self._dice.pick(self._wait))
            progress = round(number / steps, 4)
            pause = self._dice.pick(self._wait)
            now = yield self._lifecycle(run, now, "run.progressed", pause, attempt=run.attempt, started_at=started_at, progress=progress)
        return now

    def _step(self, run: Run, now: int, number: int) -> Stage:
        dice = self._dice
        started_at = now - run.lag
        step: Event = {
            "step_id": f"{run.run_id}-{run.attempt}-{number}",
            "task_id": f"task-{number}",
            "step_type": "model" if number % 2 else "tool",
            "book": dice.pick(BOOKS),
            "procedure": PROCEDURES[number % len(PROCEDURES)],
            "attempt": run.attempt,
            "started_at": started_at,
        }
        asked_at = now
        now = yield self._event(run, now, "step.started", dice.pick(self._think), step)
        now = yield from self._model_call(run, now, asked_at, step["step_id"])
        ended: Event = {**step, "duration_ms": now - run.lag - started_at}
        if dice.share() < STEP_FAILS:
            ended["error_type"] = dice.pick(STEP_ERRORS)
            return (yield self._event(run, now, "step.failed", dice.pick(self._wait), ended))
        return (yield self._event(run, now, "step.completed", dice.pick(self._wait), ended))

    def _model_call(self, run: Run, now: int, asked_at: int, step_id: str) -> Stage:
        dice = self._dice
        model = dice.pick(run.agent.models)
        attempt = 1
        while dice.share() < CALL_FAILS:
            failed = {"error_type": "rate_limited", "http_status": RATE_LIMITED, "duration_ms": now - asked_at, "attempt": attempt}
            asked_at, pause = now, dice.pick(self._think)
            now = yield self._call(run, now, pause, "model.failed", {"step_id": step_id, **_asked(model), **failed})
            attempt += 1
            if attempt > PATIENCE:
                left, model = model, dice.pick(run.agent.models)
                asked_at, pause = now, dice.pick(self._think)
                now = yield self._switch(run, now, pause, left, model)
        answered = {"attempt": attempt, **self._answer(model, now - asked_at)}
        pause = dice.pick(self._wait)
        return (yield self._call(run, now, pause, "model.completed", {"step_id": step_id, **_asked(model), **answered}))

    def _answer(self, model: Model, duration_ms: int) -> Event:
        dice = self._dice
        total, out = dice.pick(self._tokens_in), dice.pick(self._tokens_out)
        cached = total * dice.below(90) // 100 if dice.share() < CACHED else 0
        return {
            "response_model": model.name,
            "input_tokens": total,
            "output_tokens": out,
            "cache_read_tokens": cached,
            "cache_write_tokens": (total - cached) // 4,
            "cost_usd": model.cost(total - cached, cached, out),
            "price_version": "2026-06",
            "time_to_first_token_ms": duration_ms * (10 + dice.below(40)) // 100,
            "duration_ms": duration_ms,
            "finish_reason": "stop" if dice.share() < STOPS else "tool_use",
            "http_status": 200,
            "streamed": True,
        }

    def _place_in_tree(self, run: Run) -> None:
        """Make one run in eight the child of its tenant's run before it."""
        tenant = run.agent.tenant_id
        parent = self._parents.get(tenant)
        if parent and self._dice.share() < HAS_PARENT:
            run.lifecycle["parent_run_id"], run.lifecycle["root_run_id"] = parent
        self._parents[tenant] = (run.run_id, run.lifecycle.get("root_run_id", run.run_id))

    def _event(self, run: Run, now: int, kind: str, pause: int | None, fields: Event) -> tuple[str, Event, int | None]:
        return "runs", self._sealed(run, now, kind, SOURCE, fields), pause

    def _lifecycle(self, run: Run, now: int, kind: str, pause: int | None, **fields: object) -> tuple[str, Event, int | None]:
        return self._event(run, now, kind, pause, run.lifecycle | fields)

    def _engine(self, run: Run, now: int, status: str, pause: int | None) -> tuple[str, Event, int | None]:
        fields = {"engine_instance": f"engine-{self._dice.below(8)}", "status": status, "cpu_ms": self._dice.below(5000)}
        return self._event(run, now, "execution.status_changed", pause, fields | {"memory_mb": 64 + self._dice.below(960)})

    def _command(self, run: Run, now: int, command: str, pause: int) -> tuple[str, Event, int | None]:
        fields = {"command": command, "issued_by": run.common["user_id"], "status_reason": "user_request"}
        return self._event(run, now, "execution.commanded", pause, fields)

    def _switch(self, run: Run, now: int, pause: int, left: Model, chosen: Model) -> tuple[str, Event, int | None]:
        fields = {
            "agent_id": run.agent.agent_id,
            "from_provider": left.provider,
            "from_model": left.name,
            "to_provider": chosen.provider,
            "to_model": chosen.name,
            "reason": "rate_limited",
        }
        event = self._sealed(run, now, "model.switched", GATEWAY, fields)
        del event["run_id"]
        return "model_calls", event, pause

    def _call(self, run: Run, now: int, pause: int, kind: str, result: Event) -> tuple[str, Event, int | None]:
        fields = {
            "call_id": f"call-{self._dice.digits(20)}",
            "process_id": run.agent.process_id,
            "agent_id": run.agent.agent_id,
            "agent_version": run.agent.agent_version,
            "operation": "chat",
            "is_leaf": True,
            **result,
        }
        return "model_calls", self._sealed(run, now, kind, GATEWAY, fields), pause

    def _sealed(self, run: Run, now: int, kind: str, source: str, fields: Event) -> Event:
        dice = self._dice
        own = {"event_id": dice.digits(32), "event_type": kind, "event_time": now - run.lag, "source": source, "span_id": dice.digits(16)}
        return {**run.common, **own, **fields}


def _asked(model: Model) -> Event:
    return {"provider": model.provider, "request_model": model.name}
