"""A Stripe event → what an import appends for it: the event itself, and the facts the ledger stage would make of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from adapters.stripe.filing import filed
from adapters.stripe.reading import StripeEvent
from processors.ledger.observe import facts_of
from schemas.errors import VaultraError
from schemas.ledger.observation import EventUnhandled
from schemas.stripe_events import Endpoint, WebhookReceived
from schemas.wire import Message, encode
from streams.diversions import printable
from streams.runner import Runner
from streams.topics import topic_of

_SOURCE = "vaultra/import"
# What a payload nobody foresaw can provoke in a pure function; the stage makes a dead letter of it when it comes by.
_UNREADABLE = (VaultraError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)


class Mapped(NamedTuple):
    """`facts` None: it cannot be read, for the reason in `dead`. `unhandled` are event types no fact was made of."""

    received: Message
    facts: tuple[Message, ...] | None
    unhandled: tuple[str, ...] = ()
    dead: str = ""


class StripeMapping:
    """The same function and the same ids as the live path; `clock` (aware, UTC) says when an event came to be known."""

    def __init__(self, ledger: Runner, *, tenant: str, endpoint: Endpoint, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._tenant = tenant
        self._endpoint = endpoint
        self._clock = clock
        self._topic = topic_of(WebhookReceived).name

    def map(self, stripe: StripeEvent) -> Mapped:
        """Raises nothing for what is in an event: the stage, which has the means, makes a dead letter of a bad one."""
        event = filed(stripe, tenant=self._tenant, source=_SOURCE, endpoint=self._endpoint, now=self._clock())
        received = encode(event, self._topic)
        try:
            outputs = facts_of(event.data, stripe.payload)
            facts = tuple(self._ledger.messages(event, outputs, None))
        except _UNREADABLE as error:
            return Mapped(received, None, dead=printable(str(error) or type(error).__name__, 200))
        unhandled = tuple(output.stripe_type for output in outputs if isinstance(output, EventUnhandled))
        return Mapped(received, facts, unhandled)
