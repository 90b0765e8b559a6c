"""One webhook → its facts: a pure function, the same for the live path, imports and replays.

Every event ends as facts, as a named unhandled type, or as UnreadablePayload with the reason. The object an event is
about comes first, then those its payload carries along (a charge's refunds, an expanded balance transaction …).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from processors.ledger.contradictions import contradictions
from processors.ledger.kinds import CARRIED, MAPPERS, kind_of_object, kind_of_type
from processors.ledger.reading import Raw, flag, instant, name_of, objects, part, ref, text
from processors.ledger.upcasters import upcast
from schemas.base import EventData
from schemas.errors import UnreadablePayload
from schemas.ledger.accounts import Authorization
from schemas.ledger.facts import OBSERVED_AS
from schemas.ledger.observation import EventUnhandled, ObjectState, Observation
from schemas.ledger.payments import Charge
from schemas.stripe_events import WebhookReceived

# Objects that one payload may carry along: an invoice or a customer may list many, a hostile payload without end.
_MOST_CARRIED = 200
_DEEPEST = 4
# What a payment source looks like inside a charge is no payout destination.
_NOT_CARRIED = ("authorization", "external_account", "account")
# Stripe began in 2010; its fixtures, which many test with, are from 2009.
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=366)
_NO_FIGURE = "no figure is made of events of this type"


def facts_of(webhook: WebhookReceived, payload: Mapping[str, Any] | None = None) -> Sequence[EventData]:
    """The facts a webhook tells, in a fixed order. `payload` is its body as parsed JSON, where the caller has it.

    Raises UnreadablePayload where the body is no event, or its object lacks what makes it a fact.
    """
    event = _parsed(webhook) if payload is None else payload
    if event.get("account") and type(event["account"]) is not str:
        raise UnreadablePayload(
            f"{webhook.stripe_type}: the event's account is no id"
        )  # it was filed as the platform's
    raw = part(event.get("data")).get("object")
    kind = kind_of_type(webhook.stripe_type)
    if type(raw) is not dict:
        if kind is None or "related_object" in event:
            return [_unhandled(webhook, None, "a thin event: it carries no object")]
        raise UnreadablePayload(f"{webhook.stripe_type}: the event carries no object")
    if kind is None:
        carried, _ = _carried_facts(webhook, str(raw.get("object")), raw)
        return carried or [_unhandled(webhook, raw, _NO_FIGURE)]
    if webhook.stripe_type == "invoice.upcoming":
        return [_unhandled(webhook, raw, "a preview of an invoice that does not exist yet")]
    if _identity(kind, raw) is None:
        raise UnreadablePayload(f"{webhook.stripe_type}: its {text(raw.get('object')) or 'object'} has no id")
    return _observed(webhook, event, kind, raw)


def _observed(webhook: WebhookReceived, event: Mapping[str, Any], kind: str, raw: Raw) -> Sequence[EventData]:
    if not _can_be(webhook.created, webhook):
        times = f"created {webhook.created:%Y-%m-%d}, received {webhook.received:%Y-%m-%d}"
        raise UnreadablePayload(f"{webhook.stripe_type}: the event's time cannot be: {times}")
    remarks: list[str] = []
    made = instant(raw.get("created"))
    if made is not None and not _can_be(made, webhook):
        remarks.append(f"{name_of(raw)}: created {made:%Y-%m-%d} cannot be, the event's time stands for it")
        raw = {**raw, "created": None}
    own = kind_of_object(raw) or kind
    state = _state(own, raw, webhook)
    if own == kind or (kind, own) == ("transfer", "payout"):  # what payouts were called before 2017-04-06
        remarks += contradictions(webhook.stripe_type, state)
    else:
        remarks.append(f"{webhook.stripe_type} came with an object of kind {own}")
    kind = own
    carried, unread = _carried_facts(webhook, kind, raw)
    remarks += unread
    previous = _previous(kind, raw, part(event.get("data")).get("previous_attributes"), state, webhook)
    deleted = flag(raw.get("deleted")) or (webhook.stripe_type.endswith(".deleted") and kind != "subscription")
    if webhook.stripe_type == "charge.captured":
        state = _captured_now(state, webhook)
    main = _fact(
        webhook,
        kind,
        _identity(kind, raw) or kind,
        state,
        deleted=bool(deleted),
        previous=previous,
        contradictions=tuple(remarks),
    )
    return [main, *carried]


def _parsed(webhook: WebhookReceived) -> Mapping[str, Any]:
    try:
        event = from_json(webhook.body, cache_strings="keys")
    except ValueError as error:
        raise UnreadablePayload(f"{webhook.stripe_type}: the body is no JSON: {error}") from error
    if type(event) is not dict:
        raise UnreadablePayload(f"{webhook.stripe_type}: the body is no JSON object")
    return event


def _can_be(created: datetime, webhook: WebhookReceived) -> bool:
    """Whether something can have been made at a time: one that cannot would be a business's first moment, or its last.

    Test clocks run ahead of ours, and files may come from a machine whose clock does: both are let through.
    """
    latest = webhook.received + _AHEAD if webhook.livemode else datetime.max.replace(tzinfo=UTC)
    return _EARLIEST <= created <= latest


def _state(kind: str, raw: Raw, webhook: WebhookReceived) -> ObjectState:
    if kind == "authorization":
        authorized = not webhook.stripe_type.endswith(".deauthorized")
        return Authorization(application=ref(raw), authorized=authorized)
    try:
        return MAPPERS[kind](upcast(kind, raw), webhook.created)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadablePayload(f"{name_of(raw)}: {place}: {first['msg']}, not {str(first['input'])[:60]!r}") from error


def _identity(kind: str, raw: Raw) -> str | None:
    """What an object is known by: its id. Some had none in older versions, and there is one balance an account."""
    found = ref(raw)
    if found is not None:
        return found
    match kind:
        case "balance" | "authorization":
            return kind
        case "dispute":  # before 2014 a charge had one dispute, without an id
            owner = ref(raw.get("charge"))
        case "discount":  # before 2020-08-27 a customer and a subscription had one discount each, without an id
            owner = ref(raw.get("subscription")) or ref(raw.get("customer"))
        case _:
            return None
    return f"{kind} of {owner}" if owner else None


def _captured_now(state: ObjectState, webhook: WebhookReceived) -> ObjectState:
    """A charge that was captured just now, with the time of it where its payload does not tell."""
    if isinstance(state, Charge) and state.captured and state.captured_at is None:
        return state.model_copy(update={"captured_at": webhook.created})
    return state


def _previous(kind: str, raw: Raw, changed: Any, state: ObjectState, webhook: WebhookReceived) -> dict[str, Any]:
    """The canonical fields that the event changed, with their values before; empty where that cannot be told."""
    if not isinstance(changed, dict) or not changed:
        return {}
    try:
        before = _state(kind, _merged(raw, changed), webhook)
    except UnreadablePayload:
        return {}
    if before == state:
        return {}
    old, new = before.model_dump(mode="json"), state.model_dump(mode="json")
    return {name: value for name, value in old.items() if value != new[name]}


def _merged(raw: Raw, changed: Mapping[str, Any], depth: int = 8) -> dict[str, Any]:
    """The object before: changed attributes put back, within nested objects too."""
    before = dict(raw)
    for name, value in changed.items():
        after = before.get(name)
        if depth > 0 and isinstance(value, dict) and isinstance(after, dict):
            value = _merged(after, value, depth - 1)
        before[name] = value
    return before


def _carried(kind: str, raw: Raw) -> Iterator[tuple[str, Raw]]:
    """The objects a payload carries along, with the kind of each."""
    for field in CARRIED.get(kind, ()):
        value = raw.get(field)
        if value is None or type(value) is str:
            continue
        members = [value] if type(value) is dict and type(value.get("id")) is str else objects(value)
        for member in members:
            name = kind_of_object(member)
            if name is not None and type(member.get("id")) is str:
                yield name, member


def _carried_facts(webhook: WebhookReceived, kind: str, raw: Raw) -> tuple[list[Observation], list[str]]:
    """Facts about what an object carries along, and what of it could not be read: the rest stands all the same."""
    facts: list[Observation] = []
    unread: list[str] = []
    seen: set[tuple[str, str]] = set()
    waiting = [(name, found, ref(raw), _DEEPEST) for name, found in _carried(kind, raw)]
    for name, found, inside, depth in waiting:
        object_id = ref(found) or ""
        if name in _NOT_CARRIED or (name, object_id) in seen or len(seen) >= _MOST_CARRIED:
            continue
        seen.add((name, object_id))
        try:
            state = _state(name, found, webhook)
        except UnreadablePayload as reason:
            unread.append(f"carried along and not readable: {reason}")
            continue
        deleted = found.get("deleted") is True
        facts.append(_fact(webhook, name, object_id, state, inside=inside, deleted=deleted))
        if depth > 1:
            waiting += ((below, one, object_id, depth - 1) for below, one in _carried(name, found))
    return facts, unread


def _fact(webhook: WebhookReceived, kind: str, object_id: str, state: ObjectState, **more: Any) -> Observation:
    return OBSERVED_AS[kind](
        business=webhook.business,
        account=webhook.account,
        livemode=webhook.livemode,
        object_id=object_id,
        stripe_event=webhook.stripe_event,
        stripe_type=webhook.stripe_type,
        created=webhook.created,
        known=webhook.received,
        api_version=webhook.api_version,
        state=state,
        **more,
    )


def _unhandled(webhook: WebhookReceived, raw: Raw | None, reason: str) -> EventUnhandled:
    return EventUnhandled(
        business=webhook.business,
        account=webhook.account,
        livemode=webhook.livemode,
        stripe_event=webhook.stripe_event,
        stripe_type=webhook.stripe_type,
        created=webhook.created,
        known=webhook.received,
        api_version=webhook.api_version,
        object_kind=text(raw.get("object")) if raw else None,
        object_id=ref(raw) if raw else None,
        reason=reason,
    )
