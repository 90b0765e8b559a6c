"""One object's history → its entries: what it moved, when, and which events show it. A pure function per kind.

Entries have effective times, so that "as of" a past moment is those effective by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from schemas.ledger.balances import BalanceTransaction, Payout, ReceivedTransfer, Transfer
from schemas.ledger.entries import Entry, EntryKind, History, Version
from schemas.ledger.observation import ObjectState
from schemas.ledger.payments import (
    ApplicationFee,
    ApplicationFeeRefund,
    Charge,
    DestinationCharge,
    Dispute,
    DisputeMovement,
    Refund,
)

State = TypeVar("State", bound=ObjectState)

# Balance transactions of these types move what another object accounts for: they only add their fee. The rest –
# Stripe's own fees, adjustments, reserves, top-ups – are entries of their own.
OWNED_TYPES = frozenset(
    {
        "charge",
        "payment",
        "refund",
        "payment_refund",
        "refund_failure",
        "payment_failure_refund",
        "payment_reversal",
        "payout",
        "payout_failure",
        "payout_cancel",
        "transfer",
        "transfer_refund",
        "transfer_cancel",
        "transfer_failure",
        "application_fee",
        "application_fee_refund",
    }
)
_FEE_TYPES = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost", "advance_fee"})


def is_owned(transaction: BalanceTransaction) -> bool:
    """Whether another object of the ledger accounts for a balance transaction."""
    if transaction.type == "adjustment":
        source = transaction.source or ""
        return source.startswith(("dp_", "du_", "pdp_")) or (transaction.reporting_category or "").startswith("dispute")
    return transaction.type in OWNED_TYPES


def entries_of(history: History) -> Iterator[Entry]:
    """The entries of one object; none for kinds that move no money. Settled amounts are filled in by `completed`."""
    book = _BOOKS.get(history.kind)
    if book is not None:
        yield from book(history)


def payer(sold: Charge | ApplicationFee) -> str | None:
    """Who pays a platform is the account it took the fee from."""
    return sold.connected_account if isinstance(sold, ApplicationFee) else sold.customer


def _state(version: Version, kind: type[State]) -> State:
    if not isinstance(version.state, kind):
        raise TypeError(f"{type(version.state).__name__} is no {kind.__name__}")
    return version.state


def _book_charge(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, Charge)
    if not (_is_earned(latest) and latest.amount_captured):
        return
    first = next(version for version in history.versions if _is_earned(_state(version, Charge)))
    effective = captured_at(history) or latest.at
    yield _entry(history, "charge", latest.amount_captured, effective, first, latest.balance_transaction)


def captured_at(history: History) -> datetime | None:
    """When a charge was captured, as it says itself or as it was seen to be; None where neither tells."""
    earned = [version for version in history.versions if _is_earned(_state(version, Charge))]
    told = [when for version in earned if (when := _state(version, Charge).captured_at)]
    if told:
        return min(told)
    return earned[0].created if earned and earned[0] is not history.versions[0] else None


def _book_destination_charge(history: History) -> Iterator[Entry]:
    """What was passed on, and the platform's fee for it: no balance transaction of the account's own tells of that."""
    for sold in _book_charge(history):
        yield sold
        fee = _state(history.latest, DestinationCharge).application_fee_amount
        if fee:
            yield sold._replace(id=f"{history.object_id}:fee", kind="fee", amount=-fee)


def _is_earned(charge: Charge) -> bool:
    return charge.status == "succeeded" and charge.captured


def _book_refund(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, Refund)
    pending = latest.status in ("pending", "requires_action")
    yield _entry(history, "refund", -latest.amount, latest.at, history.versions[0], latest.balance_transaction, pending)
    if latest.status in ("failed", "canceled"):
        undone = _first(history, type(latest), "failed", "canceled")
        when = history.told_at(undone, latest.at)
        yield _entry(history, "refund_reversed", latest.amount, when, undone, latest.failure_balance_transaction)


def _book_payout(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, Payout)
    under_way = latest.status in ("pending", "in_transit")
    yield _entry(
        history, "payout", -latest.amount, latest.at, history.versions[0], latest.balance_transaction, under_way
    )
    if latest.status in ("failed", "canceled"):
        undone = _first(history, type(latest), "failed", "canceled")
        when = history.told_at(undone, max(latest.at, latest.arrival_date or latest.at))
        yield _entry(history, "payout_reversed", latest.amount, when, undone, latest.failure_balance_transaction)


def _first(history: History, kind: type[Refund | Payout | Dispute], *statuses: str) -> Version:
    """The first version of the unbroken run of these statuses that ends the history."""
    found = history.latest
    for version in reversed(history.versions):
        if _state(version, kind).status not in statuses:
            break
        found = version
    return found


def _book_dispute(history: History) -> Iterator[Entry]:
    """Its movements where told; otherwise what the statuses say: inquiries and prevented disputes move nothing."""
    latest = _state(history.latest, Dispute)
    moved: dict[str, tuple[DisputeMovement, Version]] = {}
    for version in history.versions:
        for movement in _state(version, Dispute).movements:
            moved.setdefault(movement.balance_transaction, (movement, version))
    for movement, version in moved.values():
        kind: EntryKind = "dispute_withdrawn" if movement.amount < 0 else "dispute_reinstated"
        whole = -latest.amount if movement.amount < 0 else latest.amount
        amount = movement.amount if movement.currency == latest.currency else whole
        yield _entry(history, kind, amount, movement.at, version, movement.balance_transaction)
    signs = {movement.amount < 0 for movement, _ in moved.values()}
    unsaid = [name for name in latest.balance_transactions if name not in moved]
    open_to_loss = [version for version in history.versions if _withdraws(_state(version, Dispute))]
    if open_to_loss and True not in signs and latest.status != "prevented" and not latest.is_inquiry:
        first = open_to_loss[0]
        when = latest.at if first is history.versions[0] else first.created
        name = unsaid.pop(0) if unsaid else None
        yield _entry(history, "dispute_withdrawn", -latest.amount, when, first, name)
    if latest.status == "won" and False not in signs:
        won = _first(history, Dispute, "won")
        name = unsaid.pop(0) if unsaid else None
        yield _entry(history, "dispute_reinstated", latest.amount, history.told_at(won, latest.at), won, name)


def _withdraws(dispute: Dispute) -> bool:
    return dispute.status in ("needs_response", "under_review", "won", "lost")


def _book_balance_transaction(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, BalanceTransaction)
    version = history.versions[0]
    if not is_owned(latest) and latest.amount:
        kind: EntryKind = "fee" if latest.type in _FEE_TYPES else "adjustment"
        yield _entry(history, kind, latest.amount, latest.at, version, history.object_id)
    if latest.fee:
        yield _entry(history, "fee", -latest.fee, latest.at, version, history.object_id, suffix=":fee")


def _book_application_fee(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, ApplicationFee)
    taken = _entry(
        history, "application_fee", latest.amount, latest.at, history.versions[0], latest.balance_transaction
    )
    yield taken._replace(customer=payer(latest))


def _book_fee_refund(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, ApplicationFeeRefund)
    yield _entry(
        history, "application_fee_refund", -latest.amount, latest.at, history.versions[0], latest.balance_transaction
    )


def _book_transfer(history: History) -> Iterator[Entry]:
    latest = _state(history.latest, Transfer)
    yield _entry(history, "transfer", -latest.amount, latest.at, history.versions[0], latest.balance_transaction)
    for version, total, amount in _reversals(history):
        when = history.told_at(version, latest.at)
        yield _entry(history, "transfer_reversed", amount, when, version, None, suffix=f":{total}")


def _book_received_transfer(history: History) -> Iterator[Entry]:
    """What was passed on is the destination charge's; what a platform takes back of it is a refund to the account."""
    for version, total, amount in _reversals(history):
        when = history.told_at(version, _state(history.latest, Transfer).at)
        yield _entry(history, "refund", -amount, when, version, None, suffix=f":{total}")


def _reversals(history: History) -> Iterator[tuple[Version, int, int]]:
    """(version, reversed by then, by how much it grew) of each reversal of a transfer."""
    latest = _state(history.latest, Transfer)
    returned = 0
    for version in history.versions:
        total = min(_state(version, Transfer).amount_reversed, latest.amount_reversed)
        if total > returned:
            yield version, total, total - returned
            returned = total


def _entry(
    history: History,
    kind: EntryKind,
    amount: int,
    effective: datetime,
    shown: Version,
    balance_transaction: str | None,
    provisional: bool = False,
    suffix: str | None = None,
) -> Entry:
    latest: Any = history.latest.state
    events = (shown.event,) if shown.event == history.latest.event else (shown.event, history.latest.event)
    if suffix is None and kind.startswith("dispute_") and balance_transaction:
        suffix = f":{balance_transaction}"
    return Entry(
        id=f"{history.object_id}:{kind}{suffix or ''}",
        kind=kind,
        object_kind=history.kind,
        object_id=history.object_id,
        charge=_cohort(history),
        customer=getattr(latest, "customer", None),
        amount=amount,
        currency=latest.currency,
        effective=effective,
        balance_transaction=balance_transaction,
        settled_amount=None,
        settled_currency=None,
        provisional=provisional,
        events=events,
    )


def _cohort(history: History) -> str | None:
    """The charge an entry belongs to; of a fee that was given back, the application fee."""
    match history.latest.state:
        case Charge():
            return history.object_id
        case Refund(charge=charge) | Dispute(charge=charge) | ApplicationFee(charge=charge):
            return charge
        case Transfer(source_transaction=charge):
            return charge
        case ApplicationFeeRefund(fee=fee):
            return fee
        case BalanceTransaction(source=str(source)) if source.startswith(("ch_", "py_")):
            return source
        case _:
            return None


_BOOKS: Mapping[str, Callable[[History], Iterator[Entry]]] = {
    Charge.KIND: _book_charge,
    DestinationCharge.KIND: _book_destination_charge,
    Refund.KIND: _book_refund,
    Dispute.KIND: _book_dispute,
    Payout.KIND: _book_payout,
    BalanceTransaction.KIND: _book_balance_transaction,
    ApplicationFee.KIND: _book_application_fee,
    ApplicationFeeRefund.KIND: _book_fee_refund,
    Transfer.KIND: _book_transfer,
    ReceivedTransfer.KIND: _book_received_transfer,
}

__all__ = ["captured_at", "entries_of", "is_owned", "payer"]
