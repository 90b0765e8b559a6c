"""A platform's destination charges in the books of the account they were for, whether or not it reports itself."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from schemas.metrics import MetricsComputed
from schemas.stripe_events import business_id
from tests.ledger.stories import OUTPUTS, books, charge, messages, payout, refund, transaction
from tests.ledger.webhooks import BUSINESS, at, event
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from

ACCOUNT = "acct_1"
CONNECTED = business_id("local", ACCOUNT, True)
Story = Sequence[dict[str, Any]]


def transfer(number: str, amount: int, reversed_amount: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"tr_{number}",
        "object": "transfer",
        "amount": amount,
        "amount_reversed": reversed_amount,
        "currency": "usd",
        "created": at(1),
        "destination": ACCOUNT,
        "source_transaction": f"ch_{number}",
        **more,
    }


def passed(number: str, amount: int, part: int | None = None, **more: Any) -> dict[str, Any]:
    to = {"destination": ACCOUNT} if part is None else {"destination": ACCOUNT, "amount": part}
    return charge(number, 1, amount, "usd", transfer_data=to, transfer=f"tr_{number}", **more)


def own_payment(number: str, amount: int, fee: int) -> dict[str, Any]:
    """What the account itself says of the same money."""
    bill = transaction(f"own_{number}", 1, amount, "usd", f"py_{number}", fee, type="payment")
    payment = charge(
        number, 1, amount, "usd", id=f"py_{number}", source_transfer=f"tr_{number}", balance_transaction=bill
    )
    return event(f"own_{number}", "payment.created", 1, payment, account=ACCOUNT)


PLATFORM = [
    event("1", "charge.succeeded", 1, passed("1", 10_000, application_fee_amount=500)),
    event("2", "transfer.created", 1, transfer("1", 10_000)),
    event("3", "charge.succeeded", 1, passed("2", 6_000, 4_000)),
    event("4", "transfer.created", 1, transfer("2", 4_000)),
]
TAKEN_BACK = event("5", "transfer.reversed", 3, transfer("1", 10_000, 2_500), previous={"amount_reversed": 0})
# What a platform sends an account of its own accord is no sale of the account's, and no refund when it comes back.
SENT = [
    event("6", "charge.succeeded", 2, charge("3", 2, 9_000, "usd")),
    event("7", "transfer.reversed", 4, transfer("3", 9_000, 9_000), previous={"amount_reversed": 0}),
]


def connected(story: Story) -> MetricsComputed:
    return measured(books_from(story, CONNECTED), "2026-02-01")


def figures(story: Story) -> tuple[Any, ...]:
    found = connected(story)
    return tuple(found.value(name) for name in ("gross_revenue", "charges", "refunds", "fees", "net_revenue"))


def test_account_that_reports_nothing_is_credited_with_what_was_passed_on() -> None:
    assert figures(PLATFORM) == (14_000, 2, 0, 500, 13_500)
    # Stripe's fee is the platform's: none is missing here.
    assert connected(PLATFORM).figure("net_revenue").note is None
    # The platform's own books are as they were.
    assert measured(books_from(PLATFORM), "2026-02-01").value("gross_revenue") == 2_000


def test_part_that_the_platform_takes_back_is_refunded_when_its_charge_was_the_accounts() -> None:
    assert figures([*PLATFORM, TAKEN_BACK, *SENT]) == (14_000, 2, 2_500, 500, 11_000)


def test_refund_that_leaves_the_transfer_as_it_is_stays_with_the_platform() -> None:
    back = event("8", "refund.created", 3, refund("1", 3, 10_000, "usd", "1", "succeeded"))
    noted = event("9", "charge.refunded", 3, passed("1", 10_000, application_fee_amount=500, amount_refunded=10_000))
    assert figures([*PLATFORM, back, noted]) == (14_000, 2, 0, 500, 13_500)


def test_accounts_own_payment_holds_when_both_tell_of_a_transfer() -> None:
    story = [*PLATFORM, TAKEN_BACK, own_payment("1", 10_000, 500)]
    assert figures(story) == (14_000, 2, 0, 500, 13_500)  # its own refunds would tell what was taken back
    reported = refund("9", 3, 2_500, "usd", "1", "succeeded", charge="py_1")
    own = event("10", "refund.created", 3, reported, account=ACCOUNT)
    assert figures([*story, own]) == (14_000, 2, 2_500, 500, 11_000)
    assert {entry.object_id for entry in books(story, CONNECTED)[0]} == {"py_1", "txn_own_1", "ch_2"}


@pytest.mark.parametrize("seed", range(5))
def test_account_has_the_same_entries_when_events_come_in_any_order_and_twice(seed: int) -> None:
    waiting = {**passed("4", 700, captured=False, amount_captured=0), "transfer": None}
    captured = passed("4", 700, amount_captured=600)
    story = [
        *PLATFORM,
        TAKEN_BACK,
        *SENT,
        own_payment("2", 4_000, 0),
        event("11", "charge.succeeded", 1, waiting),
        event("12", "charge.captured", 5, captured, previous={"captured": False, "amount_captured": 0}),
    ]
    shuffled = [*story, *story[::2]]
    Random(seed).shuffle(shuffled)
    entries = books(story, CONNECTED)[0]
    assert books(shuffled, CONNECTED)[0] == entries
    assert [(one.amount, one.effective.day) for one in entries if one.object_id == "ch_4"] == [(600, 6)]


def test_fact_is_keyed_by_the_account_it_is_about_and_the_rest_by_the_platform() -> None:
    told = messages([PLATFORM[0]])
    assert [(one.key, one.attributes["type"]) for one in told] == [
        (BUSINESS, "vaultra.ledger.charge_observed.v1"),
        (CONNECTED, "vaultra.ledger.destination_charge_observed.v1"),
    ]
    assert {one.attributes["causationid"] for one in told} == {"evt_1"}
    assert told[1].attributes["subject"] == told[1].attributes["correlationid"] == CONNECTED
    assert told[0].attributes["source"] == OUTPUTS.source


@pytest.mark.parametrize(
    "told",
    [
        event("1", "charge.succeeded", 1, passed("1", 500), account="acct_2"),
        event("1", "charge.succeeded", 1, charge("1", 1, 500, "usd", transfer_data={"destination": "ba_1"})),
        event("1", "transfer.reversed", 1, transfer("1", 500, 500, source_transaction=None)),
        event("1", "transfer.created", 1, transfer("1", 500)),
        event("1", "payout.paid", 1, payout("1", 1, 500, "usd", "paid", destination=ACCOUNT)),
    ],
    ids=[
        "a connected account's own charge",
        "a bank",
        "a transfer of no charge",
        "a transfer of which all stays",
        "a payout",
    ],
)
def test_nothing_is_attributed_when_it_is(told: dict[str, Any]) -> None:
    assert CONNECTED not in {one.key for one in messages([told])}
