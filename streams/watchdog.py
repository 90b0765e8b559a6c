"""When a worker that looks alive is none any more: one that lost its group and never rejoins still answers a ping."""

from __future__ import annotations

from dataclasses import dataclass

# A place that changes hands so often, in seconds, has two claimants; sessions do not expire that fast.
_TURNS = 3
_TURNS_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """A worker at one moment. `lag` is None where it cannot be known; `active` is when a handler began or ended."""

    generation: int
    rebalancing: bool
    lag: int | None
    active: float


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds a worker may be without a group, be rebalancing, or have work and neither begin nor end any."""

    memberless: float
    rebalancing: float
    idle: float

    @classmethod
    def of(cls, *, rebalance: float, handler: float, beyond: float) -> Patience:
        """So much beyond a group's rebalance time-out and a handler's; a second attempt may follow in place."""
        return cls(memberless=rebalance + beyond, rebalancing=rebalance + beyond, idle=2 * handler + beyond)


class Watchdog:
    """Judges one worker from its pulses; `now` on the clock of `Pulse.active`."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._memberless_since: float | None = None
        self._rebalancing_since: float | None = None
        self._behind_since: float | None = None

    def rebalancing_for(self, now: float) -> float:
        """Seconds since the rebalance under way began; 0 without one."""
        return 0.0 if self._rebalancing_since is None else now - self._rebalancing_since

    def verdict(self, pulse: Pulse, now: float) -> str | None:
        """Why the process must end; None while it may go on."""
        self._memberless_since = _since(self._memberless_since, pulse.generation < 0, now)
        self._rebalancing_since = _since(self._rebalancing_since, pulse.rebalancing, now)
        if pulse.lag is not None:
            self._behind_since = _since(self._behind_since, pulse.lag > 0, now)
        if _beyond(self._memberless_since, now, self._patience.memberless):
            return f"no member of its group for {self._patience.memberless:g} s"
        if _beyond(self._rebalancing_since, now, self._patience.rebalancing):
            return f"rebalancing for {self._patience.rebalancing:g} s"
        idle_since = max(self._behind_since, pulse.active) if self._behind_since is not None else None
        if _beyond(idle_since, now, self._patience.idle):
            return f"events wait, and none was begun or finished for {self._patience.idle:g} s"
        return None


class Namesakes:
    """Sees that another process bears a static member's name: Kafka gives the place to each of them in turn.

    aiokafka knows nothing of fencing. It takes a lost place for an expired session and joins again, and so do both.
    """

    def __init__(self) -> None:
        self._member = ""
        self._replaced: list[float] = []

    def seen(self, member: str, now: float) -> bool:
        """`member` is the id that the coordinator gave last, empty while there is none."""
        if member and member != self._member:
            if self._member:
                self._replaced.append(now)
            self._member = member
        self._replaced = [at for at in self._replaced if now - at < _TURNS_WITHIN]
        return len(self._replaced) >= _TURNS


def _since(before: float | None, holds: bool, now: float) -> float | None:
    return (now if before is None else before) if holds else None


def _beyond(since: float | None, now: float, limit: float) -> bool:
    return since is not None and now - since > limit
