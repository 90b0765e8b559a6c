"""Facts about one object, in any order and any number → what the object was, and when: a pure fold over a set.

Order is by `created` (one-second precision), then by the chain of previous attributes, then by event id. Two events
that show one state are one version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from schemas.ledger.entries import History, Version
from schemas.ledger.facts import STATES

# Chaining compares each with each. More events of one second than this are none that Stripe made.
_LONGEST_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Sighting:
    """A fact as the fold needs it. `state` and `previous` are the fact's JSON; `fact_id` is its id on the log."""

    kind: str
    object_id: str
    fact_id: str
    created: datetime
    event: str
    stripe_type: str
    state: Mapping[str, Any]
    previous: Mapping[str, Any]
    deleted: bool
    contradictions: tuple[str, ...]
    also: tuple[str, ...] = ()


def history(sightings: Iterable[Sighting]) -> History:
    """The history of one object from all that is known of it. Expects at least one sighting, all of one object."""
    ordered = versions(sightings)
    kind, object_id = ordered[0].kind, ordered[0].object_id
    return History(kind, object_id, tuple(_version(STATES[kind], one) for one in ordered))


def _version(state: Any, one: Sighting) -> Version:
    return Version(
        created=one.created,
        state=state.model_validate(one.state),
        deleted=one.deleted,
        event=one.event,
        stripe_type=one.stripe_type,
        contradictions=one.contradictions,
        also=one.also,
    )


def versions(sightings: Iterable[Sighting]) -> Sequence[Sighting]:
    """The sightings that show a state other than the one before, oldest first."""
    found: list[Sighting] = []
    for one in in_order(sightings):
        last = found[-1] if found else None
        if last is not None and one.deleted:
            # A deleted object is shown as a stub: what it was is what was known of it.
            one = replace(one, state={k: last.state.get(k) if v is None else v for k, v in one.state.items()})
        if last is None or one.state != last.state or one.deleted != last.deleted:
            found.append(one)
            continue
        extra = [words for words in one.contradictions if words not in last.contradictions]
        if extra or (one.stripe_type != last.stripe_type and one.stripe_type not in last.also):
            also = dict.fromkeys((*last.also, one.stripe_type))
            found[-1] = replace(last, contradictions=(*last.contradictions, *extra), also=tuple(also))
    return found


def in_order(sightings: Iterable[Sighting]) -> Sequence[Sighting]:
    """Each fact once, in the order in which its changes happened."""
    unique = list({one.fact_id: one for one in sightings}.values())
    if len(unique) == 1:
        return unique
    unique.sort(key=_by_time_and_name)
    ordered: list[Sighting] = []
    for _, second in groupby(unique, key=attrgetter("created")):
        together = list(second)
        if 1 < len(together) <= _LONGEST_CHAIN:
            together = _chained(together, ordered[-1].state if ordered else None)
        ordered += together
    return ordered


def _by_time_and_name(one: Sighting) -> tuple[datetime, int, str, str]:
    """By second; an object is created before and deleted after everything else; then by event id."""
    rank = (
        2 if one.deleted or one.stripe_type.endswith(".deleted") else 0 if one.stripe_type.endswith(".created") else 1
    )
    return one.created, rank, one.event, one.fact_id


def _chained(waiting: list[Sighting], state: Mapping[str, Any] | None) -> list[Sighting]:
    """Changes of one second, each after the one whose state it says it changed. `state` is the one before them all."""
    ordered = []
    while waiting:
        one = _next(waiting, state)
        waiting.remove(one)
        ordered.append(one)
        state = one.state
    return ordered


def _next(waiting: Sequence[Sighting], state: Mapping[str, Any] | None) -> Sighting:
    """What comes next: the same state once more, else a change of it, else one that changes none of the others."""
    if state is not None:
        for one in waiting:
            if one.state == state and not one.previous and not one.deleted:
                return one
        for one in waiting:
            if _changes(one, state):
                return one
    for one in waiting:
        if not any(_changes(one, other.state) for other in waiting if other is not one):
            return one
    return waiting[0]


def _changes(one: Sighting, state: Mapping[str, Any]) -> bool:
    """Whether a sighting says that it changed this state."""
    return bool(one.previous) and all(state.get(name) == value for name, value in one.previous.items())
