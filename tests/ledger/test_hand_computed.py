"""Ledgers computed by hand: yen, dinars and euros; refunds, disputes and payouts in all their endings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from schemas.ledger.entries import Entry
from tests.ledger.stories import (
    books,
    business,
    charge,
    dispute,
    fees_given_back,
    histories,
    payout,
    refund,
    refunded_again,
    refunded_later,
    refunded_twice,
    transaction,
    uncaptured,
)
from tests.ledger.webhooks import START, at, event


def told(entries: Sequence[Entry]) -> list[tuple[str, int, str, float]]:
    """(kind, amount, currency, day) in order."""
    return [(one.kind, one.amount, one.currency, (one.effective - START) / timedelta(days=1)) for one in entries]


def test_yen_have_no_minor_units_when_partly_refunded_twice() -> None:
    entries, _ = books(
        [
            event("1", "charge.succeeded", 0, charge("1", 0, 5_000, "jpy")),
            event("2", "refund.created", 1, refund("1", 1, 1_200, "jpy", "1", "pending")),
            event("3", "refund.updated", 3, refund("1", 1, 1_200, "jpy", "1", "succeeded"), previous={"status": "p"}),
            event("4", "refund.created", 4, refund("2", 4, 800, "jpy", "1", "pending")),
            event("5", "charge.refunded", 4, charge("1", 0, 5_000, "jpy", amount_refunded=2_000)),
        ]
    )
    assert told(entries) == [("charge", 5_000, "jpy", 0), ("refund", -1_200, "jpy", 1), ("refund", -800, "jpy", 4)]
    assert [one.provisional for one in entries] == [False, False, True]
    assert {one.charge for one in entries} == {"ch_1"}
    assert {one.customer for one in entries} == {"cus_1"}
    assert sum(one.amount for one in entries) == 3_000


def test_dinars_have_three_decimals_when_a_refund_fails() -> None:
    entries, _ = books(
        [
            event("1", "charge.succeeded", 0, charge("1", 0, 12_345, "kwd")),
            event("2", "refund.created", 1, refund("1", 1, 12_345, "kwd", "1", "pending")),
            event("3", "charge.refunded", 1, charge("1", 0, 12_345, "kwd", amount_refunded=12_345, refunded=True)),
            event(
                "4", "refund.failed", 6, refund("1", 1, 12_345, "kwd", "1", "failed"), previous={"status": "pending"}
            ),
            event("5", "charge.refund.updated", 6, refund("1", 1, 12_345, "kwd", "1", "failed")),
            event("6", "charge.updated", 6, charge("1", 0, 12_345, "kwd", amount_refunded=0)),
        ]
    )
    assert told(entries) == [
        ("charge", 12_345, "kwd", 0),
        ("refund", -12_345, "kwd", 1),
        ("refund_reversed", 12_345, "kwd", 6),
    ]


def test_euros_balance_to_the_cent_when_every_movement_is_known() -> None:
    entries, identity = books(business())
    assert told(entries) == [
        ("charge", 10_000, "eur", 0),
        ("fee", -320, "eur", 0),
        ("charge", 5_000, "eur", 0.5),
        ("refund", -2_500, "eur", 2),
        ("dispute_withdrawn", -5_000, "eur", 6),
        ("fee", -2_000, "eur", 6),
        ("payout", -7_000, "eur", 8),
        ("fee", -150, "eur", 9),
        ("payout_reversed", 7_000, "eur", 12),
        ("dispute_reinstated", 5_000, "eur", 30),
    ]
    # 10,000 − 320 − 2,500 − 5,000 − 2,000 − 7,000 − 150 + 7,000 + 5,000; the second charge names no transaction.
    assert identity.moved == {"eur": 5_030}
    assert sum(one.settled_amount or 0 for one in entries) == 5_030
    assert (identity.checked, identity.unsettled, identity.mismatches) == (7, 1, ())


def test_lost_dispute_withdraws_for_good_and_won_gives_back_when_only_statuses_are_known() -> None:
    entries, _ = books(
        [
            event("1", "charge.succeeded", 0, charge("1", 0, 900, "eur")),
            event("2", "charge.dispute.created", 5, dispute("1", 5, 900, "eur", "1", "needs_response")),
            event("3", "charge.dispute.closed", 50, dispute("1", 5, 900, "eur", "1", "lost")),
            event("4", "charge.succeeded", 0, charge("2", 0, 700, "eur")),
            event("5", "charge.dispute.created", 6, dispute("2", 6, 700, "eur", "2", "needs_response")),
            event("6", "charge.dispute.updated", 7, dispute("2", 6, 700, "eur", "2", "under_review")),
            event("7", "charge.dispute.closed", 60, dispute("2", 6, 700, "eur", "2", "won")),
        ]
    )
    assert [row for row in told(entries) if row[0].startswith("dispute")] == [
        ("dispute_withdrawn", -900, "eur", 5),
        ("dispute_withdrawn", -700, "eur", 6),
        ("dispute_reinstated", 700, "eur", 60),
    ]


def test_inquiry_moves_nothing_until_it_becomes_a_dispute() -> None:
    opened = [
        event("1", "charge.succeeded", 0, charge("1", 0, 900, "eur")),
        event("2", "charge.dispute.created", 5, dispute("1", 5, 900, "eur", "1", "warning_needs_response")),
    ]
    closed = event("3", "charge.dispute.closed", 80, dispute("1", 5, 900, "eur", "1", "warning_closed"))
    escalated = event("3", "charge.dispute.updated", 9, dispute("1", 5, 900, "eur", "1", "needs_response"))
    prevented = event("3", "charge.dispute.closed", 9, dispute("1", 5, 900, "eur", "1", "prevented"))
    for ending in ([], [closed], [prevented]):
        assert told(books([*opened, *ending])[0]) == [("charge", 900, "eur", 0)]
    assert told(books([*opened, escalated])[0])[1:] == [("dispute_withdrawn", -900, "eur", 9)]


def test_revenue_counts_at_capture_when_it_came_days_after_the_authorisation() -> None:
    authorised = charge("1", 0, 1_000, "eur", captured=False, amount_captured=0)
    partly = charge("1", 0, 1_000, "eur", amount_captured=600, amount_refunded=400)
    entries, _ = books([event("1", "charge.succeeded", 0, authorised), event("2", "charge.captured", 5, partly)])
    assert told(entries) == [("charge", 600, "eur", 5)]
    assert told(books([event("1", "charge.succeeded", 0, authorised)])[0]) == []


def test_failed_and_pending_charges_earn_nothing() -> None:
    entries, _ = books(
        [
            event("1", "charge.failed", 0, charge("1", 0, 5, "eur", status="failed", captured=False, paid=False)),
            event("2", "charge.pending", 0, charge("2", 0, 5, "eur", status="pending")),
            event("3", "charge.pending", 0, charge("3", 0, 7, "eur", status="pending")),
            event("4", "charge.succeeded", 4, charge("3", 0, 7, "eur"), previous={"status": "pending"}),
        ]
    )
    assert told(entries) == [("charge", 7, "eur", 4)]


def test_refund_is_told_by_its_charge_when_no_refund_object_came() -> None:
    raised = charge("1", 0, 1_000, "eur", amount_refunded=300)
    entries, _ = books(
        [
            event("1", "charge.succeeded", 0, charge("1", 0, 1_000, "eur")),
            event("2", "charge.refunded", 3, raised, previous={"amount_refunded": 0}),
            event("3", "charge.refunded", 5, {**raised, "amount_refunded": 500}, previous={"amount_refunded": 300}),
        ]
    )
    assert told(entries)[1:] == [("refund", -300, "eur", 3), ("refund", -200, "eur", 5)]
    itemised = event("4", "refund.created", 3, refund("1", 3, 300, "eur", "1", "succeeded"))
    entries, _ = books([event("3", "charge.refunded", 5, {**raised, "amount_refunded": 500}), itemised])
    assert [(one.id, one.amount) for one in entries[1:]] == [("re_1:refund", -300), ("ch_1:refund:500", -200)]


def test_refund_that_only_its_charge_told_of_is_gone_when_the_charge_takes_it_back() -> None:
    raised = charge("1", 0, 1_000, "eur", amount_refunded=300)
    story = [
        event("1", "charge.refunded", 3, raised),
        event("2", "charge.updated", 6, {**raised, "amount_refunded": 0}),
    ]
    assert told(books(story)[0]) == [("charge", 1_000, "eur", 0)]


def test_nothing_is_refunded_when_what_was_only_authorised_is_let_go() -> None:
    entries, _ = books(uncaptured())
    assert [(one.charge, *told([one])[0]) for one in entries] == [
        ("ch_22", "charge", 6_000, "eur", 3),
        ("ch_23", "charge", 6_000, "eur", 3),
        ("ch_28", "charge", 6_000, "eur", 3),
        ("ch_28", "refund", -4_000, "eur", 5),
        ("ch_23", "refund", -4_000, "eur", 5),
    ]


def test_refund_does_not_account_for_what_its_charge_said_before_it_was_made() -> None:
    *story, itemised = refunded_twice()
    expected = [("charge", 1_000, "eur", 0), ("refund", -300, "eur", 3), ("refund", -200, "eur", 6)]
    assert told(books([*story, itemised])[0]) == told(books(story)[0]) == expected
    # A list shows both at once, long after: the refund it itemises is in the total it shows.
    (*_, raised) = story
    listed = {**raised, "type": "charge.listed", "created": at(9)}
    assert told(books([listed, itemised])[0]) == [
        ("charge", 1_000, "eur", 0),
        ("refund", -300, "eur", 0),
        ("refund", -200, "eur", 6),
    ]


def test_refund_that_failed_accounts_for_nothing_that_its_charge_still_says() -> None:
    sold = charge("1", 0, 1_000, "eur")
    second = 1 / 86_400
    story = [
        event("1", "charge.refunded", 3, {**sold, "amount_refunded": 300}, previous={"amount_refunded": 0}),
        event("2", "charge.refunded", 3 + second, {**sold, "amount_refunded": 400}, previous={"amount_refunded": 300}),
        event("3", "refund.created", 3 + second, refund("1", 3 + second, 100, "eur", "1", "pending")),
        event("4", "refund.failed", 8, refund("1", 3 + second, 100, "eur", "1", "failed")),
        event("5", "charge.updated", 8, {**sold, "amount_refunded": 300}, previous={"amount_refunded": 400}),
    ]
    counted = [(kind, amount) for kind, amount, _, _ in told(books(story)[0])]
    assert counted == [("charge", 1_000), ("refund", -300), ("refund", -100), ("refund_reversed", 100)]


def test_refund_of_just_what_a_capture_let_go_counts_when_it_is_made_later() -> None:
    capture, let_go, later = refunded_later()
    counted = [("refund", -4_000, "eur", 5)]
    assert told(books([capture, let_go])[0])[1:] == []
    assert told(books([capture, later])[0])[1:] == counted
    assert told(books([capture, let_go, later])[0])[1:] == counted
    raised = {**capture["data"]["object"], "amount_refunded": 8_000}
    assert told(books([*refunded_later(), event("4", "charge.refunded", 5, raised)])[0])[1:] == counted
    # Where nothing tells when it was captured, it was before a list showed it so.
    assert told(books([{**capture, "type": "charge.listed"}, later])[0])[1:] == counted


def test_fee_given_back_counts_when_only_its_total_tells() -> None:
    made, itemised, first, second = fees_given_back()
    expected = [
        ("application_fee", 900, "eur", 1),
        ("application_fee_refund", -300, "eur", 3),
        ("application_fee_refund", -200, "eur", 6),
    ]
    for story in ([made, first, second], [made, itemised, first, second], [made, itemised, second]):
        entries, _ = books(story)
        assert told(entries) == expected
        assert {(one.customer, one.charge) for one in entries[1:]} == {("acct_1", "fee_1")}
    assert told(books([made, second])[0]) == [expected[0], ("application_fee_refund", -500, "eur", 6)]


def test_refund_without_an_object_counts_when_one_before_it_failed() -> None:
    entries, _ = books(refunded_again())
    assert told(entries) == [
        ("charge", 20_000, "eur", 0),
        ("refund", -10_000, "eur", 1),
        ("refund_reversed", 10_000, "eur", 4),
        ("refund", -3_000, "eur", 6),
    ]


def test_nothing_more_is_refunded_when_a_failed_refund_is_still_in_its_charge() -> None:
    entries, _ = books(refunded_again()[:4])
    assert sum(one.amount for one in entries) == 20_000


def test_refunds_end_at_what_was_captured_when_the_charge_says_more() -> None:
    entries, _ = books([event("1", "charge.refunded", 1, charge("1", 0, 1_000, "eur", amount_refunded=5_000))])
    assert told(entries) == [("charge", 1_000, "eur", 0), ("refund", -1_000, "eur", 1)]


def test_dispute_moves_nothing_when_its_last_state_is_an_inquiry() -> None:
    story = [
        event("1", "charge.dispute.created", 5, dispute("1", 5, 900, "eur", "1", "needs_response")),
        event("2", "charge.dispute.closed", 9, dispute("1", 5, 900, "eur", "1", "warning_closed")),
    ]
    assert told(books(story)[0]) == []


def test_payout_is_paid_as_of_then_and_failed_as_of_later() -> None:
    paid = payout("1", 0, 400, "eur", "paid")
    story = [event("1", "payout.paid", 2, paid), event("2", "payout.failed", 5, {**paid, "status": "failed"})]
    found = histories(story)["payout", "po_1"]
    then, later = datetime.fromtimestamp(at(3), UTC), datetime.fromtimestamp(at(6), UTC)
    assert found.at(then).state.status == "paid"
    assert found.at(later).state.status == "failed"
    assert found.at(START) is None
    assert told(books(story)[0]) == [("payout", -400, "eur", 0), ("payout_reversed", 400, "eur", 5)]


def test_amount_is_settled_by_its_transaction_when_it_was_converted() -> None:
    moved = transaction("1", 0, 4_410, "eur", "ch_1", 158, exchange_rate=0.00882)
    entries, identity = books(
        [event("1", "charge.succeeded", 0, charge("1", 0, 500_000, "jpy", balance_transaction=moved))]
    )
    (sale, fee) = entries
    assert (sale.amount, sale.currency, sale.settled_amount, sale.settled_currency) == (500_000, "jpy", 4_410, "eur")
    assert (fee.amount, fee.currency, fee.charge) == (-158, "eur", "ch_1")
    assert identity.mismatches == ()


def test_mismatch_is_told_when_entries_and_balance_disagree() -> None:
    wrong = transaction("1", 0, 999, "eur", "ch_1")
    orphan = transaction("2", 0, 50, "eur", "ch_9", 5)
    crooked = {**transaction("3", 0, 10, "eur", "x", 1, type="adjustment"), "net": 10}
    _, identity = books(
        [
            event("1", "charge.succeeded", 0, charge("1", 0, 1_000, "eur", balance_transaction=wrong)),
            event("2", "balance_transaction.listed", 0, orphan),
            event("3", "balance_transaction.listed", 0, crooked),
        ]
    )
    assert [(one.balance_transaction, one.expected, one.found) for one in identity.mismatches] == [
        ("txn_1", 999, 1_000),
        ("txn_2", 45, -5),
        ("txn_3", 10, 9),
    ]
    assert "no object accounts for this charge" in identity.mismatches[1].reason
