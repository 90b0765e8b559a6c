"""What one object's history says of the entries of others: `schemas.ledger.balance_identity.completed` weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from schemas.ledger.balances import ReceivedTransfer
from schemas.ledger.booking import captured_at, payer
from schemas.ledger.entries import History
from schemas.ledger.observation import ObjectState
from schemas.ledger.payments import ApplicationFee, Charge

# A capture and the refund of what it lets go, or a refund and the total it raises, are of one second, give or take.
AT_ONCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RefundedTotal:
    """A charge's or an application fee's cumulative `amount_refunded` from `created` on, to reconcile its refunds with.

    `kind` is the object's. `seen` is when it was so for the last time.
    """

    kind: str
    object_id: str
    customer: str | None
    total: int
    currency: str
    created: datetime
    seen: datetime
    event: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """What of a charge was authorised and never captured.

    Some API versions make a refund object of what is let go, though no money moved: when the rest is captured, so one
    made after `until` is none of these. None: nothing was captured, and no refund moved money. Where nothing tells when
    it was captured, `refunded` is what the charge says was refunded of the rest: the one let go is not among that.
    """

    charge: str
    amount: int
    until: datetime | None
    refunded: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """A transfer an account received, as an object of `kind` tells: a payment of its own, or what is attributed to it.

    Both may tell of the same money: then the account's own payment holds.
    """

    kind: str
    object_id: str
    transfer: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What all histories of a business say of the entries of others."""

    totals: tuple[RefundedTotal, ...]
    uncaptured: tuple[LetGo, ...]
    transfers: tuple[Received, ...]


def evidence_of(histories: Sequence[History]) -> Evidence:
    return Evidence(
        totals=tuple(total for history in histories for total in refunded_totals(history)),
        uncaptured=tuple(filter(None, map(let_go, histories))),
        transfers=tuple(filter(None, map(received, histories))),
    )


def refunded_totals(history: History) -> list[RefundedTotal]:
    """Each increase of what was refunded of a charge or an application fee, as far as it lasted: a refund that fails
    takes it back."""
    if history.kind not in (Charge.KIND, ApplicationFee.KIND):
        return []
    told = [_refunded(version.state) for version in history.versions]
    lasting = list(accumulate(reversed(told), min))[::-1]
    found: list[RefundedTotal] = []
    for version, said, total in zip(history.versions, told, lasting, strict=True):
        highest = found[-1].total if found else 0
        if total > highest:
            state: Any = version.state
            found.append(
                RefundedTotal(
                    kind=history.kind,
                    object_id=history.object_id,
                    customer=payer(state),
                    total=total,
                    currency=state.currency,
                    created=history.told_at(version, state.at),
                    seen=version.created,
                    event=version.event,
                )
            )
        elif found and said == highest:
            found[-1] = replace(found[-1], seen=version.created)
    return found


def let_go(history: History) -> LetGo | None:
    """What of a charge was not captured; None for what is no charge, or was captured whole."""
    charge = history.latest.state
    if history.kind != Charge.KIND or not isinstance(charge, Charge) or charge.status != "succeeded":
        return None
    amount = charge.amount - (charge.amount_captured if charge.captured else 0)
    if amount <= 0:
        return None
    if not charge.captured:
        return LetGo(history.object_id, amount, until=None, refunded=None)
    captured = captured_at(history)
    until = (captured or history.latest.created) + AT_ONCE
    return LetGo(history.object_id, amount, until, None if captured else _refunded(charge))


def received(history: History) -> Received | None:
    """The transfer that a charge came in with, or that was attributed; None for everything else."""
    match history.latest.state:
        case Charge(source_transfer=str(transfer)):
            return Received(history.kind, history.object_id, transfer)
        case ReceivedTransfer():
            return Received(history.kind, history.object_id, history.object_id)
        case _:
            return None


def _refunded(sold: ObjectState) -> int:
    """What was refunded of an application fee, or of what was captured of a charge: an amount that was authorised only
    is let go, not refunded."""
    match sold:
        case ApplicationFee():
            return sold.amount_refunded
        case Charge(captured=True, status="succeeded"):
            refunded = sold.amount_refunded - max(0, sold.amount - sold.amount_captured)
            return min(max(0, refunded), sold.amount_captured)
        case _:
            return 0
