"""How a stage's workers form a consumer group: its time limits and names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupTimes:
    """In seconds; Kafka's meaning of each.

    A worker that is silent for `session` loses its partitions. A rebalance waits up to `rebalance` for handlers under
    way: longer than any handler may take, else their work is given back and done over. `request` exceeds it because a
    join is one request. `grace` of `rebalance` is kept for joining after work was given back. A member that does not
    poll for `poll` leaves, and for good: the watchdog is what ends a stuck process, `patience` after Kafka's limits.
    """

    session: float = 45.0
    heartbeat: float = 3.0
    rebalance: float = 180.0
    request: float = 240.0
    commit: float = 0.5
    grace: float = 30.0
    poll: float = 30 * 24 * 3600.0
    patience: float = 60.0

    @classmethod
    def of_session(cls, session: float, rebalance: float, commit: float = 0.5) -> GroupTimes:
        """Times that go with a session time-out and a rebalance time-out."""
        return cls(
            session=session,
            heartbeat=min(3.0, session / 4),
            rebalance=rebalance,
            request=max(rebalance, session) * 4 / 3,
            commit=commit,
            grace=min(30.0, rebalance / 4),
        )


def scheduler_group(stage: str) -> str:
    """Name of the consumer group that brings a stage's retries back; the stage's own is named as the stage."""
    return f"{stage}.retry"
