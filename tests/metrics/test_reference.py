"""An independent reference: the same figures the naive way, over dictionaries and dates, agree to the cent."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.ledgers import BookOf, measured

# Cents of a dollar for one minor unit, as the test's rate table has it: 1.25 usd, 160 jpy, 0.4 kwd for a euro.
CENTS = {"usd": Decimal(1), "eur": Decimal("1.25"), "jpy": Decimal("0.78125"), "kwd": Decimal("0.3125")}
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MONTHS = [f"2025-{number:02d}" for number in range(1, 9)]

days = st.integers(0, 242)
sales = st.lists(
    st.tuples(days, st.integers(1, 10**7), st.sampled_from(sorted(CENTS)), st.integers(0, 6)), min_size=1, max_size=40
)
outflows = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 120), st.integers(1, 100)), max_size=20)
steps = st.lists(
    st.tuples(days, st.sampled_from([0, 0, 1_000, 2_500, 9_999])), min_size=1, max_size=4, unique_by=lambda s: s[0]
)
subscriptions = st.lists(st.tuples(st.integers(0, 4), steps), max_size=6)


def day(number: int) -> str:
    return f"{FIRST + timedelta(days=number):%Y-%m-%d}"


def cents(amount: int, currency: str) -> int:
    return int((amount * CENTS[currency]).quantize(Decimal(1), ROUND_HALF_EVEN))


def ratio(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    return (Decimal(part) / whole).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) if whole else None


@given(sold=sales, refunded=outflows, disputed=outflows)
@settings(max_examples=40, deadline=None)
def test_money_agrees_with_the_naive_sums(
    sold: list[tuple[int, int, str, int]], refunded: list[tuple[int, int, int]], disputed: list[tuple[int, int, int]]
) -> None:
    book = BookOf(currency="usd")
    book.declaration("2025-01-01", currency="usd")
    cash: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    cohort: dict[str, int] = defaultdict(int)
    customers: dict[str, int] = defaultdict(int)
    made = []
    for at, amount, currency, customer in sold:
        made.append((book.sale(day(at), amount, currency, f"cus_{customer}"), at))
        month, value = day(at)[:7], cents(amount, currency)
        cash[month]["gross"] += value
        cash[month]["sales"] += 1
        cohort[month] += value
        customers[f"cus_{customer}"] += value
    for taken, kind in ((refunded, "refund"), (disputed, "withdrawal")):
        for which, later, percent in taken:
            sale, at = made[which % len(made)]
            amount = max(1, sale.amount * percent // 100)
            getattr(book, kind)(day(at + later), amount, sale)
            value = cents(amount, sale.currency)
            if at + later <= 242:
                cash[day(at + later)[:7]][kind] += value
                customers[sale.customer] -= value
            if at + later <= 243:  # the very instant of `as_of` is known of, and in no complete month
                cohort[day(at)[:7]] -= value
            if kind == "withdrawal":
                book.dispute(day(at + later), sale)
                cash[day(at + later)[:7]]["disputes"] += 1
    snapshot = measured(book, "2025-09-01")
    for month in snapshot.months:
        of = cash[month.month]
        assert month.values["gross_revenue"] == of["gross"]
        assert month.values["net_revenue"] == of["gross"] - of["refund"] - of["withdrawal"]
        assert month.values["net_revenue_cohort"] == cohort[month.month]
        assert month.values.get("dispute_activity") == ratio(of["disputes"], of["sales"])
    positive = [value for value in customers.values() if value > 0]
    if positive:
        assert snapshot.value("top1_share") == ratio(max(positive), sum(positive))
        assert snapshot.value("hhi") == ratio(sum(value * value for value in positive), sum(positive) ** 2)


@given(subscribed=subscriptions)
@settings(max_examples=60, deadline=None)
def test_recurring_revenue_agrees_with_looking_at_every_month_end(subscribed: list[tuple[int, Any]]) -> None:
    book = BookOf()
    book.sale("2025-01-01", 100)
    for customer, changes in subscribed:
        book.subscription(f"cus_{customer}", *((day(at), amount) for at, amount in sorted(changes)))

    def level(customer: int, at: str) -> int:
        """What a customer pays a month just before a day."""
        return sum(
            next((amount for when, amount in sorted(changes, reverse=True) if day(when) < at), 0)
            for who, changes in subscribed
            if who == customer
        )

    snapshot = measured(book, "2025-09-01")
    paid_before: set[int] = set()
    for number, month in enumerate(snapshot.months):
        start, end = f"{month.month}-01", f"{MONTHS[number + 1]}-01" if number < 7 else "2025-09-01"
        expected: dict[str, int] = defaultdict(int)
        lost = kept = 0
        for customer in range(5):
            before, after = level(customer, start), level(customer, end)
            kept += before > 0
            lost += before > 0 and after == 0
            if not before and after:
                expected["mrr_reactivation" if customer in paid_before else "mrr_new"] += after
            elif before and not after:
                expected["mrr_churned"] -= before
            else:
                expected["mrr_expansion" if after > before else "mrr_contraction"] += after - before
            if after:
                paid_before.add(customer)
        for name in ("mrr_new", "mrr_reactivation", "mrr_churned", "mrr_expansion", "mrr_contraction"):
            assert month.values[name] == expected[name], (month.month, name)
        assert month.values["mrr"] == sum(level(customer, end) for customer in range(5))
        assert month.values.get("logo_churn") == ratio(lost, kept)
