"""The cost of one step: what a stage used for one delivery."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from schemas.base import Amount, EventData, Value


class ModelUse(Value):
    """One call of a model. `memoized` calls were answered from the memo and cost nothing. Money in `currency`."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    memoized: bool = False
    money: Amount | None = Field(default=None, description="None when no price is configured for the model")
    currency: str = "USD"


class CostRecorded(EventData):
    """What one delivery of a stage used. Seconds are wall time in the stage; bytes as read and written."""

    TYPE: ClassVar[str] = "vaultra.cost.recorded.v1"
    stage: str
    seconds: float
    cpu_seconds: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    attempts: int = 1
    models: tuple[ModelUse, ...] = ()
