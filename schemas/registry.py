"""Every event type that may stand on the log, and the upcasters between versions of a type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from schemas import (
    analyses,
    businesses,
    costs,
    documents,
    metrics,
    recommendations,
    scores,
    stripe_events,
    stripe_followups,
)
from schemas.base import EventData
from schemas.errors import InvalidEvent, SetupError, UnknownEventType, UnknownEventVersion
from schemas.ledger.facts import LEDGER_EVENTS

_CONTRACT: tuple[type[EventData], ...] = (
    documents.DocumentReceived,
    documents.DocumentRefused,
    documents.DocumentDescribed,
    analyses.AnalysisPlanned,
    analyses.CodeGenerated,
    analyses.CodeReviewed,
    analyses.CodeExecuted,
    analyses.AnalysisCompleted,
    analyses.AnalysisFailed,
    costs.CostRecorded,
    stripe_events.WebhookReceived,
    stripe_followups.FollowUpRequested,
    stripe_followups.FollowUpDone,
    stripe_followups.FollowUpParked,
    *LEDGER_EVENTS,
    businesses.BusinessDeclared,
    businesses.MonthClosed,
    metrics.MetricsDue,
    metrics.MetricsComputed,
    scores.ScoreComputed,
    recommendations.RecommendationOpened,
    recommendations.RecommendationClosed,
)
EVENT_TYPES: dict[str, type[EventData]] = {data.TYPE: data for data in _CONTRACT}

# The contract's types and those registered beside it.
KNOWN_TYPES: dict[str, type[EventData]] = dict(EVENT_TYPES)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

# An older type → (the next type, how its data become the next type's). Chains are followed to a known type.
UPCASTERS: dict[str, tuple[str, Upcaster]] = {}


def register(*types: type[EventData]) -> None:
    """Make further event types known that are no part of the contract (tests and benchmarks).

    Raises SetupError when a type is taken.
    """
    for data in types:
        if KNOWN_TYPES.setdefault(data.TYPE, data) is not data:
            raise SetupError(f"event type {data.TYPE} is declared twice")


def parse_data(
    type_name: str,
    value: bytes,
    *,
    types: Mapping[str, type[EventData]] = KNOWN_TYPES,
    upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS,
) -> EventData:
    """Data of a type from its JSON bytes, upcast first where the type is an older version.

    Raises UnknownEventType, UnknownEventVersion, InvalidEvent, or pydantic's ValidationError.
    """
    model = types.get(type_name)
    if model is not None:
        return model.model_validate_json(value)
    if type_name not in upcasters:
        raise _unknown(type_name, types)
    try:
        data = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"data of {type_name} is not JSON: {error}") from error
    while type_name in upcasters:
        type_name, upcast = upcasters[type_name]
        try:
            data = upcast(data)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise InvalidEvent(f"data cannot be upcast to {type_name}: {error!r}") from error
    model = types.get(type_name)
    if model is None:
        raise _unknown(type_name, types)
    return model.model_validate(data)


def _unknown(type_name: str, types: Mapping[str, type[EventData]]) -> UnknownEventType | UnknownEventVersion:
    stem, _, version = type_name.rpartition(".")
    known = sorted(name for name in types if name.rpartition(".")[0] == stem)
    if known:
        return UnknownEventVersion(f"{type_name}: version {version} is not known, only {', '.join(known)}")
    return UnknownEventType(f"{type_name} is not a known event type")
