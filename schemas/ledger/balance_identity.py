"""Entries against balance transactions: settling, filling up what no refund names, and the balance identity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.ledger.balances import BalanceTransaction
from schemas.ledger.entries import Entry
from schemas.ledger.evidence import AT_ONCE, Evidence, LetGo, Received, RefundedTotal
from schemas.ledger.payments import ApplicationFee, Charge, DestinationCharge

# Whose entries name a customer for those that refund them.
_SOLD = ("charge", "application_fee")


@dataclass(frozen=True, slots=True)
class Movement:
    """A balance transaction as far as entries need it: what it moved, in the settled currency."""

    id: str
    amount: int
    fee: int
    net: int
    currency: str
    type: str
    fee_parts: int | None
    at: datetime

    @classmethod
    def of(cls, transaction_id: str, state: BalanceTransaction) -> Movement:
        parts = sum(part.amount for part in state.fee_details) if state.fee_details else None
        return cls(transaction_id, state.amount, state.fee, state.net, state.currency, state.type, parts, state.at)


def completed(entries: Iterable[Entry], movements: Mapping[str, Movement], evidence: Evidence) -> Sequence[Entry]:
    """Entries with their settled amounts, their charges' customers, refunds that only the charge tells of, and
    without those that refund what was never captured, or tell once more what the account itself reports.

    By (effective, id).
    """
    listed = _without_told_twice(_without_let_go(list(entries), evidence.uncaptured), evidence.transfers)
    customers = {entry.object_id: entry.customer for entry in listed if entry.kind in _SOLD}
    settled = [_settled(entry, movements, customers) for entry in listed]
    settled += unitemised(settled, evidence.totals)
    settled.sort(key=lambda entry: (entry.effective, entry.id))
    return settled


def _without_let_go(entries: Sequence[Entry], uncaptured: Iterable[LetGo]) -> Sequence[Entry]:
    """Leaves out the refund of what a charge let go: of that amount, when it was captured, and without a balance
    transaction."""
    refunds = _refunds_by_charge(entries)
    left_out = set()
    for one in uncaptured:
        of_charge = refunds.get(one.charge, ())
        if one.refunded is None or -sum(entry.amount for entry in of_charge) > one.refunded:
            alike = [entry for entry in of_charge if _is_let_go(entry, one)]
            if alike:
                left_out.add(min(alike, key=lambda entry: (entry.effective, entry.id)).object_id)
    return [entry for entry in entries if entry.object_id not in left_out] if left_out else entries


def _is_let_go(refund: Entry, one: LetGo) -> bool:
    alike = refund.amount == -one.amount and refund.balance_transaction is None
    return alike and (one.until is None or refund.effective <= one.until)


def _without_told_twice(entries: Sequence[Entry], transfers: Sequence[Received]) -> Sequence[Entry]:
    """Leaves out what a platform tells where the account's own payment of that transfer is known, and what it took
    back of transfers that no destination charge made: those were never the account's sales."""
    own = {one.transfer for one in transfers if one.kind == Charge.KIND}
    attributed = {one.transfer for one in transfers if one.kind == DestinationCharge.KIND}
    left_out = {
        (one.kind, one.object_id)
        for one in transfers
        if one.kind != Charge.KIND and (one.transfer in own or one.transfer not in attributed)
    }
    return [entry for entry in entries if (entry.object_kind, entry.object_id) not in left_out] if left_out else entries


def _refunds_by_charge(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Refunds and what was given back of them, by charge or application fee."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.charge and entry.kind in ("refund", "refund_reversed", "application_fee_refund"):
            found[entry.charge].append(entry)
    return found


def _settled(entry: Entry, movements: Mapping[str, Movement], customers: Mapping[str, str | None]) -> Entry:
    customer = entry.customer or (customers.get(entry.charge) if entry.charge else None)
    movement = movements.get(entry.balance_transaction) if entry.balance_transaction else None
    if movement is None:
        return entry if customer == entry.customer else entry._replace(customer=customer)
    # A fee stands on the balance transaction of what it was taken for, and is settled as it is.
    own = entry.object_kind == BalanceTransaction.KIND
    amount = entry.amount if own else movement.amount
    return entry._replace(customer=customer, settled_amount=amount, settled_currency=movement.currency)


def unitemised(entries: Iterable[Entry], totals: Iterable[RefundedTotal]) -> list[Entry]:
    """Refunds that the `amount_refunded` of a charge or an application fee tells of and no refund object does, one
    entry an increase.

    Versions from 2022-11-15 on no longer list a charge's refunds, and refunds had no events of their own then. A
    refund accounts for the totals seen since it was made, and until it fails.
    """
    refunds = _refunds_by_charge(entries)
    found = []
    booked: dict[str, int] = defaultdict(int)
    for total in sorted(totals, key=lambda one: (one.object_id, one.created, one.total)):
        itemised = -sum(
            entry.amount
            for entry in refunds.get(total.object_id, ())
            if entry.effective <= total.seen + (timedelta(0) if entry.kind == "refund_reversed" else AT_ONCE)
        )
        missing = total.total - itemised - booked[total.object_id]
        if missing <= 0:
            continue
        booked[total.object_id] += missing
        found.append(
            Entry(
                id=f"{total.object_id}:refund:{total.total}",
                kind="application_fee_refund" if total.kind == ApplicationFee.KIND else "refund",
                object_kind=total.kind,
                object_id=total.object_id,
                charge=total.object_id,
                customer=total.customer,
                amount=-missing,
                currency=total.currency,
                effective=total.created,
                balance_transaction=None,
                settled_amount=None,
                settled_currency=None,
                provisional=False,
                events=(total.event,),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A balance transaction that the entries do not account for. Amounts in minor units of `currency`."""

    balance_transaction: str
    currency: str
    expected: int
    found: int
    reason: str


@dataclass(frozen=True, slots=True)
class BalanceIdentity:
    """Whether entries and balance agree where balance transactions are known.

    `unsettled` entries name no known balance transaction: nothing can be said of them.
    """

    checked: int
    unsettled: int
    mismatches: tuple[Mismatch, ...]
    moved: Mapping[str, int]


def balance_identity(entries: Iterable[Entry], movements: Mapping[str, Movement]) -> BalanceIdentity:
    """Compare: for every balance transaction, what its entries add up to and what it moved; by currency, all of them.

    An amount in another currency than the settled one is compared by its sign alone: exchange rates are Stripe's.
    """
    on: dict[str, list[Entry]] = defaultdict(list)
    unsettled = 0
    for entry in entries:
        if entry.balance_transaction in movements:
            on[entry.balance_transaction or ""].append(entry)
        else:
            unsettled += 1
    moved: dict[str, int] = defaultdict(int)
    mismatches = []
    for movement in sorted(movements.values(), key=lambda one: one.id):
        moved[movement.currency] += movement.net
        found = _accounted(on.get(movement.id, ()), movement)
        reason = _disagreement(on.get(movement.id, ()), movement, found)
        if reason is not None:
            mismatches.append(Mismatch(movement.id, movement.currency, movement.net, found, reason))
    return BalanceIdentity(len(movements), unsettled, tuple(mismatches), dict(moved))


def _accounted(entries: Sequence[Entry], movement: Movement) -> int:
    """What the entries add up to: each by its own amount where it is in the settled currency."""
    return sum(entry.amount if entry.currency == movement.currency else entry.settled_amount or 0 for entry in entries)


def _disagreement(entries: Sequence[Entry], movement: Movement, found: int) -> str | None:
    if movement.amount - movement.fee != movement.net:
        return "its amount less its fee is not its net"
    if movement.fee_parts is not None and movement.fee_parts != movement.fee:
        return "its fee is not the sum of its parts"
    if (
        movement.amount
        and all(entry.object_kind == BalanceTransaction.KIND for entry in entries)
        and (found == -movement.fee)
    ):
        return f"no object accounts for this {movement.type}"
    for entry in entries:
        if entry.settled_amount is not None and (entry.amount < 0) != (entry.settled_amount < 0):
            return f"{entry.id} has the other sign"
    return None if found == movement.net else "its entries add up to something else"
