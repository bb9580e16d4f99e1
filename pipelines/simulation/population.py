"""Who is on the platform: tenants of very different size, their agents, and the models with their prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.simulation.dice import Dice

REGIONS = ["eu-central-1", "us-east-1", "ap-south-1"]
RUN_KINDS = ["agent", "workflow", "process", "plan", "implement", "critic", "analyze", "job"]
QUEUES = ["interactive", "batch", "nightly"]
BOOKS = ["invoice-triage", "claims-intake", "release-notes", "vendor-onboarding", "ticket-summary", "contract-review"]
PROCEDURES = ["collect", "classify", "draft", "check", "publish"]
AGENTS_PER_TENANT = 4
USERS_PER_TENANT = 25


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its price in nano-dollars per token."""

    provider: str
    name: str
    input_nanos: int
    cached_nanos: int
    output_nanos: int

    def cost(self, fresh: int, cached: int, out: int) -> Decimal:
        """Return the price of a call in dollars, exact to nine decimals."""
        return Decimal(fresh * self.input_nanos + cached * self.cached_nanos + out * self.output_nanos).scaleb(-9)


MODELS = [
    Model("anthropic", "claude-sonnet-4-5", 3000, 300, 15000),
    Model("openai", "gpt-5-mini", 250, 25, 2000),
    Model("anthropic", "claude-haiku-4-5", 1000, 100, 5000),
    Model("openai", "gpt-5", 1250, 125, 10000),
    Model("google", "gemini-2.5-pro", 1250, 310, 10000),
    Model("mistral", "mistral-small", 75, 7, 213),
]


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of one tenant: the dimensions that all its runs share."""

    tenant_id: str
    agent_id: str
    agent_version: str
    process_id: str
    process_version: str
    region: str
    environment: str
    run_kind: str
    models: list[Model]


def agents_of(tenant: int, dice: Dice) -> list[Agent]:
    """Return the agents of one tenant, which keep their names for the whole simulation."""
    region = dice.pick(REGIONS)
    return [
        Agent(
            tenant_id=f"tenant-{tenant:04d}",
            agent_id=f"agent-{tenant:04d}-{number}",
            agent_version=f"{1 + dice.below(3)}.{dice.below(10)}.{dice.below(10)}",
            process_id=f"process-{dice.pick(BOOKS)}",
            process_version=f"2026.{1 + dice.below(9)}",
            region=region,
            environment="prod" if dice.share() < 0.9 else dice.pick(["staging", "dev"]),  # noqa: PLR2004
            run_kind="agent" if number == 0 else dice.pick(RUN_KINDS),
            models=dice.zipf(MODELS, samples=16),
        )
        for number in range(AGENTS_PER_TENANT)
    ]
