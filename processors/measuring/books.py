"""A business's ledger as the metrics read it: small immutable records, money as integers, times as epoch seconds.

Every record names the facts (`events`) it rests on. Settled amounts come from balance transactions where known, in
the currency the account settles in; otherwise they are None and a rate table has to convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# Monthly recurring revenue is summed in millionths of a minor unit: a year's price has no whole twelfth.
MICRO = 10**6


class Sale(NamedTuple):
    """A succeeded, captured charge – or, on a platform, an application fee (`is_charge` False).

    `amount` is what was captured. `fee_known`: Stripe's fee for it stands in the fees.
    """

    id: str
    at: int
    customer: str
    amount: int
    currency: str
    settled: int | None
    settled_currency: str | None
    fee_known: bool
    recurring: bool
    network: str | None
    card_not_present: bool
    events: tuple[str, ...]
    is_charge: bool = True


class PassedOn(NamedTuple):
    """A charge on a platform of which `amount` went to a connected account, and is that account's revenue.

    `whole`: nothing of it is a sale of the platform's. Disputes and card programmes count it all the same.
    """

    id: str
    at: int
    amount: int
    currency: str
    network: str | None
    card_not_present: bool
    whole: bool
    events: tuple[str, ...]


class Outflow(NamedTuple):
    """Money that went back or away: a refund, a disputed amount withdrawn, a fee. Negative when it came back.

    `sale` is the charge or application fee it belongs to, None where it is not known. `provisional`: a refund still
    pending.
    """

    id: str
    sale: str | None
    at: int
    amount: int
    currency: str
    settled: int | None
    settled_currency: str | None
    provisional: bool
    events: tuple[str, ...]


class Contest(NamedTuple):
    """A dispute. `inquiry` (`warning_*`) and `prevented` ones are no disputes to the figures."""

    id: str
    sale: str | None
    at: int
    amount: int
    currency: str
    status: str
    inquiry: bool
    prevented: bool
    evidence_due: int | None
    has_evidence: bool
    events: tuple[str, ...]


class FraudWarning(NamedTuple):
    """A card network's early fraud warning."""

    id: str
    sale: str | None
    at: int
    actionable: bool
    events: tuple[str, ...]


class Payout(NamedTuple):
    """A payout with the moments it was seen paid and failed. `status` is the last one.

    `paid_told`: an event told when it was paid; otherwise it is only known to have been, and `paid_at` is taken from
    its arrival date.
    """

    id: str
    at: int
    arrival: int | None
    amount: int
    currency: str
    status: str
    paid_at: int | None
    failed_at: int | None
    automatic: bool | None
    events: tuple[str, ...]
    paid_told: bool = True


class Terms(NamedTuple):
    """What a subscription is worth a month from `at` on, in millionths of minor units of `currency`.

    `committed` leaves out what is set to end; `annual` is the part billed by the year or longer; `behind`: past due.
    `unpriced`: licensed items are not in it, for the payload does not tell what they cost (tiers, a list cut short).
    `undiscounted`: it is the full price, for a discount is named whose terms nobody told.
    """

    at: int
    currency: str
    monthly: int
    committed: int
    annual: int
    behind: bool
    event: str
    unpriced: bool = False
    undiscounted: bool = False


class Subscribed(NamedTuple):
    """A subscription's terms over time, oldest first; the last ones hold."""

    id: str
    customer: str
    terms: tuple[Terms, ...]


class Bill(NamedTuple):
    """An invoice whose payment failed at least once, with the moment it was paid after all."""

    id: str
    failed_at: int
    paid_at: int | None
    amount: int
    currency: str
    events: tuple[str, ...]


class Switch(NamedTuple):
    """From `at` on payouts are enabled, or not."""

    at: int
    enabled: bool
    event: str


class Holding(NamedTuple):
    """What the Stripe balance held at a moment: (currency, minor units), available and pending together."""

    at: int
    amounts: tuple[tuple[str, int], ...]
    event: str


class Declaration(NamedTuple):
    """What the owner declared at a moment; a later one replaces it whole. Amounts are a month's."""

    at: int
    currency: str | None
    burn: int | None
    debt_service: int | None
    event: str


@dataclass(frozen=True, slots=True)
class Books:
    """Everything known of a business. Times within are when things happened, `newest` the newest of them – but
    not when something was declared: that says nothing of when a business was alive.

    `currency` is what it settles in, as far as known. Every tuple is in the order (time, id).
    """

    business_id: str
    livemode: bool
    newest: int
    currency: str | None
    sales: tuple[Sale, ...] = ()
    passed_on: tuple[PassedOn, ...] = ()
    refunds: tuple[Outflow, ...] = ()
    withdrawals: tuple[Outflow, ...] = ()
    fees: tuple[Outflow, ...] = ()
    contests: tuple[Contest, ...] = ()
    warnings: tuple[FraudWarning, ...] = ()
    payouts: tuple[Payout, ...] = ()
    subscriptions: tuple[Subscribed, ...] = ()
    bills: tuple[Bill, ...] = ()
    switches: tuple[Switch, ...] = ()
    holdings: tuple[Holding, ...] = ()
    declarations: tuple[Declaration, ...] = ()
