"""Figures computed by hand: small ledgers whose every number can be checked on paper."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.metrics.ledgers import BookOf, measured


def value(snapshot: object, name: str) -> Decimal | None:
    return snapshot.value(name)


def test_net_follows_the_money_and_the_cohort_follows_the_charge_when_a_refund_comes_a_month_later() -> None:
    book = BookOf()
    sale = book.sale("2025-01-20", 10_000)
    book.sale("2025-02-03", 7_000)
    book.refund("2025-02-10", 4_000, sale)
    book.fee("2025-02-10", 300)
    snapshot = measured(book, "2025-03-01")
    january, february = (one.values for one in snapshot.months)
    assert (january["net_revenue"], february["net_revenue"]) == (10_000, 7_000 - 4_000 - 300)
    assert (january["net_revenue_cohort"], february["net_revenue_cohort"]) == (6_000, 6_700)
    assert february["refund_rate"] == Decimal("0.235294")  # 4,000 of 17,000
    assert february["refund_rate_count"] == Decimal("0.5")


def test_yen_dinar_and_euro_add_up_to_the_cent_when_their_exponents_differ() -> None:
    book = BookOf()
    book.sale("2025-01-05", 10_000, "jpy")  # ¥10,000 = 62.5 EUR = 78.125 USD, half to even 78.12
    book.sale("2025-01-06", 8_000, "kwd")  # 8.000 KWD = 20 EUR = 25 USD
    book.sale("2025-01-07", 1_000, "eur")  # 10 EUR = 12.50 USD
    snapshot = measured(book, "2025-02-01")
    assert value(snapshot, "gross_revenue") == 7_812 + 2_500 + 1_250


def test_settled_amount_counts_when_the_balance_transaction_is_known() -> None:
    book = BookOf()
    book.sale("2025-01-05", 1_000, "eur", settled=1_111, settled_currency="usd")
    assert value(measured(book, "2025-02-01"), "gross_revenue") == 1_111


def test_money_is_shown_apart_and_never_summed_when_its_currency_has_no_rate() -> None:
    book = BookOf()
    book.sale("2025-01-05", 1_000)
    book.sale("2025-01-06", 999_999, "xyz")
    snapshot = measured(book, "2025-02-01")
    assert value(snapshot, "gross_revenue") == 1_000
    assert [(one.currency, one.amount, one.charges) for one in snapshot.unconverted] == [("xyz", 999_999, 1)]


def test_disputes_count_apart_from_inquiries_when_they_are_won_lost_or_prevented() -> None:
    book = BookOf()
    sales = [book.sale("2025-01-05", 10_000, customer=f"cus_{number}") for number in range(100)]
    book.dispute("2025-01-20", sales[0], "won")
    book.dispute("2025-01-21", sales[1], "lost")
    book.dispute("2025-01-22", sales[2], "warning_closed")
    book.dispute("2025-01-23", sales[3], "prevented")
    book.withdrawal("2025-01-20", 10_000, sales[0])
    book.withdrawal("2025-01-21", 10_000, sales[1])
    book.withdrawal("2025-01-30", -10_000, sales[0])
    snapshot = measured(book, "2025-02-01")
    assert [value(snapshot, name) for name in ("disputes", "inquiries", "disputes_prevented")] == [2, 1, 1]
    assert value(snapshot, "dispute_activity") == Decimal("0.02")
    assert value(snapshot, "disputes_withdrawn") == 20_000
    assert value(snapshot, "disputes_reinstated") == 10_000
    assert value(snapshot, "net_revenue") == 100 * 10_000 - 10_000


def test_payout_is_undecided_for_five_business_days_and_lost_for_good_when_it_fails_afterwards() -> None:
    book = BookOf()
    book.sale("2025-01-05", 1_000)
    book.payout("2025-02-03", paid="2025-02-05")
    # Wednesday the 5th plus five business days is Wednesday the 12th: decided on the day after.
    assert value(measured(book, "2025-03-01"), "payout_reliability") == 1
    late = BookOf()
    late.sale("2025-01-05", 1_000)
    late.payout("2025-01-29", paid="2025-01-31")
    assert value(measured(late, "2025-02-07T23:00"), "payout_reliability") is None
    assert value(measured(late, "2025-02-08"), "payout_reliability") == 1
    late.payout("2025-01-10", paid="2025-01-12", failed="2025-02-20")
    assert value(measured(late, "2025-02-19"), "payout_reliability") == Decimal("0.5")


def test_recurring_revenue_moves_by_kind_when_customers_join_grow_shrink_leave_and_return() -> None:
    book = BookOf()
    book.sale("2024-12-05", 1_000)
    book.subscription("new", ("2025-02-10", 1_000))
    book.subscription("grows", ("2024-12-10", 2_000), ("2025-02-11", 2_500))
    book.subscription("shrinks", ("2024-12-10", 3_000), ("2025-02-12", 2_000))
    book.subscription("leaves", ("2024-12-10", 4_000), ("2025-02-13", 0))
    book.subscription("returns", ("2024-11-10", 500), ("2024-12-01", 0), ("2025-02-14", 500))
    book.subscription("blinks", ("2024-12-10", 700), ("2025-02-05", 0), ("2025-02-06", 700))
    snapshot = measured(book, "2025-03-01")
    moved = {name[4:]: figure for name, figure in snapshot.months[-1].values.items() if name.startswith("mrr_")}
    assert moved == {
        "new": 1_000, "expansion": 500, "contraction": -1_000, "churned": -4_000, "reactivation": 500, "currency": 0,
    }  # fmt: skip
    start, end = 2_000 + 3_000 + 4_000 + 700, 1_000 + 2_500 + 2_000 + 500 + 700
    assert value(snapshot, "mrr") == end == start + sum(moved.values())
    assert value(snapshot, "customers") == 4
    assert value(snapshot, "logo_churn") == Decimal("0.25")
    assert value(snapshot, "gross_mrr_churn") == Decimal("0.515464")  # 5,000 of 9,700
    assert value(snapshot, "net_mrr_churn") == Decimal("0.412371")  # 4,000 of 9,700


def test_exchange_rates_are_a_line_of_their_own_when_nothing_else_moves() -> None:
    book = BookOf(currency="eur")
    book.sale("2025-05-05", 1_000, "eur", settled=1_000, settled_currency="eur")
    book.subscription("cus", ("2025-05-01", 7_200), currency="gbp")
    june = measured(book, "2025-07-01").months[-1].values
    # £72 is €90 at 0.8 and €80 at 0.9, the rate from 15 June on.
    assert (june["mrr"], june["mrr_currency"], june["gross_mrr_churn"]) == (8_000, -1_000, 0)


def test_retention_compares_the_customers_of_a_year_ago_when_others_joined_since() -> None:
    book = BookOf()
    book.sale("2024-01-05", 1_000)
    book.subscription("grew", ("2024-01-10", 1_000), ("2024-08-01", 1_500))
    book.subscription("left", ("2024-01-10", 1_000), ("2024-08-01", 0))
    book.subscription("joined", ("2024-08-10", 9_000))
    snapshot = measured(book, "2025-02-01")
    assert (value(snapshot, "nrr"), value(snapshot, "grr")) == (Decimal("0.75"), Decimal("0.5"))


def test_trend_and_volatility_are_exact_when_net_grows_by_the_same_amount_every_month() -> None:
    book = BookOf()
    for month in range(12):
        book.sale(f"2025-{month + 1:02d}-05", 100_000 + 1_000 * month)
    snapshot = measured(book, "2026-01-01")
    assert value(snapshot, "trend") == Decimal("0.009479")  # 1,000 ÷ 105,500
    assert value(snapshot, "volatility") == 0


def test_volatility_is_the_plain_one_when_computed_by_hand() -> None:
    book = BookOf()
    for month, amount in enumerate((10, 20, 10, 20, 10, 20)):
        book.sale(f"2025-{month + 1:02d}-05", amount * 1_000)
    # Slopes between months: the median is 0, so the line is the median, 15: every residual is 5, the mean 15.
    assert value(measured(book, "2025-07-01"), "volatility") == Decimal("0.333333")


def test_season_is_no_volatility_when_it_returns_every_year() -> None:
    book = BookOf()
    for month in range(24):
        december = month % 12 == 11
        book.sale(f"{2024 + month // 12}-{month % 12 + 1:02d}-05", 300_000 if december else 100_000)
    assert value(measured(book, "2026-01-01"), "volatility") == 0
    assert value(measured(book, "2025-01-01"), "volatility") > Decimal("0.4")


def test_concentration_counts_guests_by_card_when_they_have_no_account() -> None:
    book = BookOf()
    book.sale("2025-01-05", 5_000, customer="card:a")
    book.sale("2025-01-06", 1_000, customer="card:a")
    book.sale("2025-01-07", 3_000, customer="cus_b")
    back = book.sale("2025-01-08", 3_000, customer="cus_c")
    book.refund("2025-01-09", 2_000, back)
    snapshot = measured(book, "2025-02-01")
    assert value(snapshot, "top1_share") == Decimal("0.6")
    assert value(snapshot, "top5_share") == 1
    assert value(snapshot, "hhi") == Decimal("0.46")  # 0.36 + 0.09 + 0.01


def test_runway_and_coverage_are_unknown_until_they_are_declared() -> None:
    book = BookOf()
    book.steady("2025-01-01", 3, 400_000)
    book.holding("2025-03-30", ("usd", 900_000), ("eur", 80_000))
    bare = measured(book, "2025-04-01")
    assert bare.figure("runway").unknown == "the monthly burn is not declared"
    book.declaration("2025-03-31", burn=200_000, debt_service=50_000)
    declared = measured(book, "2025-04-01")
    assert declared.value("balance") == 1_000_000
    assert declared.value("runway") == 5
    assert declared.value("dscr") == 4  # (400,000 − 200,000) ÷ 50,000


@pytest.mark.parametrize(("disputed", "breached"), [(100, ("mastercard_ecm",)), (99, ())])
def test_card_programme_is_breached_when_number_and_ratio_reach_its_threshold(
    disputed: int, breached: tuple[str, ...]
) -> None:
    book = BookOf()
    earlier = [book.sale("2025-01-05", 1_000, network="mastercard") for _ in range(6_000)]
    for sale in earlier[:disputed]:
        book.dispute("2025-02-10", sale)
    snapshot = measured(book, "2025-03-01")
    assert snapshot.value("mastercard_ctr") == (Decimal(disputed) / 6_000).quantize(Decimal("0.000001"))
    assert snapshot.standing.programme_breaches == breached
