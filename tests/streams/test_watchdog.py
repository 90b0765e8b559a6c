"""The watchdog ends a worker that looks alive and is none, and no other."""

from __future__ import annotations

import pytest

from streams.watchdog import Namesakes, Patience, Pulse, Watchdog

PATIENCE = Patience(memberless=100, rebalancing=100, idle=50)


def verdict_after(seconds: float, *pulses: Pulse) -> str | None:
    """The verdict when each pulse lasts so long."""
    watchdog = Watchdog(PATIENCE)
    verdict = None
    for number, pulse in enumerate((*pulses, pulses[-1])):
        verdict = watchdog.verdict(pulse, now=1000 + number * seconds)
    return verdict


HEALTHY = Pulse(generation=3, rebalancing=False, lag=0, active=0.0)


@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        (Pulse(generation=-1, rebalancing=False, lag=0, active=0), "no member of its group"),
        (Pulse(generation=3, rebalancing=True, lag=0, active=0), "rebalancing for"),
        (Pulse(generation=3, rebalancing=False, lag=7, active=0), "events wait"),
    ],
)
def test_verdict_falls_when_a_state_lasts_too_long(pulse: Pulse, words: str) -> None:
    assert verdict_after(10, pulse) is None
    assert words in (verdict_after(101, pulse) or "")


def test_verdict_does_not_fall_when_a_second_attempt_takes_as_long_as_the_first() -> None:
    watchdog = Watchdog(Patience.of(rebalance=180, handler=180, beyond=60))
    at_work = Pulse(generation=3, rebalancing=False, lag=1, active=0)
    assert [watchdog.verdict(at_work, now) for now in range(0, 360, 10)] == [None] * 36
    assert watchdog.verdict(at_work, 421) is not None


def test_verdict_does_not_fall_when_a_worker_is_idle_without_work() -> None:
    assert verdict_after(10_000, HEALTHY) is None


def test_verdict_does_not_fall_when_handlers_begin_and_end() -> None:
    watchdog = Watchdog(PATIENCE)
    for now in range(0, 1000, 10):
        assert watchdog.verdict(Pulse(generation=3, rebalancing=False, lag=7, active=now - 5), now) is None


def test_patience_begins_anew_when_a_worker_recovers() -> None:
    lost = Pulse(generation=-1, rebalancing=False, lag=0, active=0)
    watchdog = Watchdog(PATIENCE)
    assert [watchdog.verdict(pulse, now) for pulse, now in ((lost, 0), (lost, 99), (HEALTHY, 100), (lost, 101))] == [
        None
    ] * 4
    assert watchdog.verdict(lost, 200) is None
    assert watchdog.verdict(lost, 202) is not None


def test_lag_keeps_its_last_value_when_it_cannot_be_known() -> None:
    unknown = Pulse(generation=3, rebalancing=False, lag=None, active=0)
    behind = Pulse(generation=3, rebalancing=False, lag=7, active=0)
    watchdog = Watchdog(PATIENCE)
    assert watchdog.verdict(behind, 0) is None
    assert watchdog.verdict(unknown, 51) is not None


def test_namesakes_are_seen_when_a_member_loses_its_place_again_and_again() -> None:
    """A session that expired is one change; two processes of one name change places with every heartbeat."""
    namesakes = Namesakes()
    assert [namesakes.seen(member, now) for now, member in enumerate(["", "a", "a", "", "b", "b", "c", "d"])] == [
        False
    ] * 7 + [True]
    patient = Namesakes()
    assert not any(patient.seen(f"member {now}", now) for now in range(0, 600, 31))
