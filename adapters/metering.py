"""What the current delivery uses: a context variable that the runner sets and model adapters add to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from schemas.costs import ModelUse


@dataclass(slots=True)
class Meter:
    """Collects one delivery's usage. `tenant` scopes the memo; `stage` and `cause` name the delivery in logs.

    `delivery` names the delivery: done over after a crash, it has the same name. `billed` are the hashes of the calls
    in `models`: an attempt that repeats one within the delivery does not pay again.
    """

    tenant: str
    stage: str
    cause: str
    delivery: str = ""
    models: list[ModelUse] = field(default_factory=list)
    billed: set[bytes] = field(default_factory=set)
    bytes_in: int = 0
    bytes_out: int = 0
    cpu_seconds: float = 0.0


_current: ContextVar[Meter | None] = ContextVar("vaultra_meter", default=None)


def current_meter() -> Meter:
    """The meter of the delivery under way; a throw-away one outside of any (scripts, tests)."""
    return _current.get() or Meter(tenant="local", stage="none", cause="none")


def set_meter(meter: Meter | None) -> None:
    """Called by the runner around each delivery, and by tests."""
    _current.set(meter)
