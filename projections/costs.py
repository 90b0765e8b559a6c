"""Costs: what every delivery of a stage used, one row each; sums per stage and job are made when asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import Field

from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.base import Amount, Value
from schemas.costs import CostRecorded

DELIVERIES = Table(
    "costs",
    columns=(
        Column("tenant", "text"),
        Column("job_id", "text"),
        Column("event_id", "text"),
        Column("stage", "text"),
        Column("attempts", "integer"),
        Column("seconds", "double precision"),
        Column("cpu_seconds", "double precision"),
        Column("bytes_in", "bigint"),
        Column("bytes_out", "bigint"),
        Column("model_calls", "integer"),
        Column("memoized_calls", "integer"),
        Column("unpriced_calls", "integer"),
        Column("model_seconds", "double precision"),
        Column("input_tokens", "bigint"),
        Column("output_tokens", "bigint"),
        Column("money", "text"),
        Column("time", "timestamptz"),
        Column("offset", "bigint"),
    ),
    key=("tenant", "job_id", "event_id"),
    indexes=("tenant, time",),
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    match fact.type:
        case CostRecorded.TYPE:
            return ((DELIVERIES, _delivery(fact)),)
        case _:
            return ()


def _delivery(fact: Fact) -> Row:
    data = fact.data
    calls = data.get("models", ())
    paid = [call for call in calls if not call.get("memoized")]
    money: dict[str, Decimal] = {}
    for call in paid:
        if call.get("money") is not None:
            currency = call.get("currency", "USD")
            money[currency] = money.get(currency, Decimal(0)) + Decimal(call["money"])
    return (
        fact.tenant,
        fact.job,
        fact.id,
        data["stage"],
        data.get("attempts", 1),
        data["seconds"],
        data.get("cpu_seconds", 0.0),
        data.get("bytes_in", 0),
        data.get("bytes_out", 0),
        len(calls),
        len(calls) - len(paid),
        sum(call.get("money") is None for call in paid),
        sum(call.get("seconds", 0.0) for call in paid),
        sum(call.get("input_tokens", 0) for call in paid),
        sum(call.get("output_tokens", 0) for call in paid),
        json.dumps({currency: format(amount, "f") for currency, amount in sorted(money.items())}),
        fact.time,
        fact.offset,
    )


PROJECTION = Projection(name="costs", version=1, topics=("costs",), tables=(DELIVERIES,), apply=apply)


class StageCosts(Value):
    """What was used. Seconds are wall time in the stage, `model_seconds` of it waiting for models.

    Tokens, `model_seconds` and `money` (by currency) are of calls that were made, not of those answered from the
    memo. `unpriced_calls` have no configured price: with any, `money` is a lower bound.
    """

    deliveries: int = 0
    attempts: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    model_calls: int = 0
    memoized_calls: int = 0
    unpriced_calls: int = 0
    model_seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    money: dict[str, Amount] = Field(default_factory=dict)


class JobCosts(StageCosts):
    """The sum over a job, and by stage in the order in which the stages first cost something."""

    stages: dict[str, StageCosts] = Field(default_factory=dict)


_OF_JOB = "SELECT * FROM read.costs WHERE tenant = $1 AND job_id = $2 ORDER BY time, event_id"
_SUMS = tuple(StageCosts.model_fields.keys() - {"deliveries", "money"})


async def job_costs(db: Any, tenant: str, job_id: str) -> JobCosts:
    """What a job has used so far; all zeros for a job without costs, or of another tenant."""
    rows = await db.fetch(_OF_JOB, printable(tenant), printable(job_id))
    by_stage: dict[str, list[Any]] = {}
    for row in rows:
        by_stage.setdefault(row["stage"], []).append(row)
    stages = {stage: StageCosts(**_sum(deliveries)) for stage, deliveries in by_stage.items()}
    return JobCosts(**_sum(rows), stages=stages)


def _sum(rows: list[Any]) -> dict[str, Any]:
    money: dict[str, Decimal] = {}
    for row in rows:
        for currency, amount in json.loads(row["money"]).items():
            money[currency] = money.get(currency, Decimal(0)) + Decimal(amount)
    # Sums of binary seconds end in digits that nobody measured.
    sums = {name: round(sum(row[name] for row in rows), 6) for name in _SUMS}
    return {"deliveries": len(rows), "money": money} | sums
