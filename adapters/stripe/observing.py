"""An object read from the API as an event: what was seen, when it was asked for.

The ledger orders it like every event of its object by its time: what changed before it was asked for is older, what
changes later is newer, so webhooks that come in meanwhile change nothing about the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from adapters.stripe.api import API_VERSION
from adapters.stripe.reading import StripeEvent, read_event

# Objects whose observation has another name than `<object>.listed`.
_TYPES = {"balance": "balance.available"}


def observed(
    item: Mapping[str, Any], *, account: str | None, livemode: bool, asked_at: int, run: int
) -> StripeEvent | None:
    """The event that says what `item` looked like. None for what is no object of Stripe's.

    `asked_at` in Unix seconds, before the request went out. The id is that of this content in this `run` of an
    import: a page that is read again after a crash gives the same ids; a later run may see the same state anew.
    `livemode` where the object does not say.
    """
    kind = item.get("object")
    if not isinstance(kind, str):
        return None
    mode = item.get("livemode")
    live = mode if isinstance(mode, bool) else livemode
    named = to_json([account, live, run, item])
    event = {
        "id": f"obs_{sha256(named).hexdigest()[:40]}",
        "object": "event",
        "type": _TYPES.get(kind, f"{kind}.listed"),
        "created": asked_at,
        "livemode": live,
        "api_version": API_VERSION,
        **({"account": account} if account else {}),
        "data": {"object": item},
    }
    return read_event(to_json(event))
