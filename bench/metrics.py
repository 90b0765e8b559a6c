"""Figures and score of a business with 100,000 ledger entries, from its books in memory.

Inside the target: sums by month and customer, exchange rates, every figure with its evidence, two years of months, the
score. Not inside: reading the ledger from PostgreSQL and making books of it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from adapters.reference.tables import load_reference
from bench.result import Result
from processors.measuring.books import MICRO, Books, Contest, Outflow, Payout, Sale, Subscribed, Terms
from processors.measuring.snapshot import snapshot
from processors.scoring.score import score
from vaultra.garbage import settle_garbage_collection

ENTRIES = 100_000
TARGET_MS = 300.0
_END = datetime(2026, 10, 15, tzinfo=UTC)
_DAY = 86_400

T = TypeVar("T")


def run() -> list[Result]:
    reference = load_reference()
    books = _books(Random(1))
    entries = len(books.sales) + len(books.refunds) + len(books.withdrawals) + len(books.payouts)
    usual = gc.get_threshold()
    settle_garbage_collection()
    took = [_timed(lambda: score(snapshot(books, reference, as_of=_END, known_at=_END))) for _ in range(7)]
    gc.unfreeze()
    gc.set_threshold(*usual)
    middle = statistics.median(cpu for cpu, _ in took) * 1000
    note = (
        f"CPU time, median of 7 ({statistics.median(wall for _, wall in took) * 1000:.0f} ms by the clock); "
        f"{entries:,} entries, {len(books.subscriptions):,} subscriptions, 24 months; from books in memory"
    )
    return [Result("metrics and score of one business", round(middle), TARGET_MS, "ms", middle <= TARGET_MS, note)]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of this process's processor, and by the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _books(dice: Random) -> Books:
    """Two years: charges in three currencies, some refunded or disputed, weekly payouts, subscriptions that change."""
    start, end = int((_END - timedelta(days=745)).timestamp()), int(_END.timestamp())
    sales, refunds, withdrawals, contests = [], [], [], []
    # In the order of time, as the ledger is read.
    for number, at in enumerate(sorted(dice.randrange(start, end) for _ in range(round(ENTRIES * 0.95)))):
        shown = (f"evt_{number}",)
        currency = dice.choices(("usd", "eur", "jpy"), (80, 15, 5))[0]
        sale = Sale(
            f"ch_{number}", at, f"cus_{dice.randrange(5_000)}", dice.randrange(500, 20_000), currency, None, None,
            False, dice.random() < 0.5, dice.choice(("visa", "mastercard", "amex")), True, shown,
        )  # fmt: skip
        sales.append(sale)
        if dice.random() < 0.04:
            refunds.append(_outflow(f"re_{number}", sale, 3))
        if dice.random() < 0.006:
            withdrawals.append(_outflow(f"dp_{number}", sale, 20))
            when = at + 20 * _DAY
            contests.append(
                Contest(f"dp_{number}", sale.id, when, sale.amount, currency, "lost", False, False, None, False, shown)
            )
    subscriptions = []
    for number in range(4_000):
        at = dice.randrange(start, end)
        worth = [(at, 2_000), (at + 90 * _DAY, 3_000)] + ([(at + 200 * _DAY, 0)] if number % 3 == 0 else [])
        terms = tuple(
            Terms(when, "usd" if number % 5 else "eur", amount * MICRO, amount * MICRO, 0, False, f"evt_s{number}")
            for when, amount in worth
        )
        subscriptions.append(Subscribed(f"sub_{number}", f"cus_{number}", terms))
    payouts = [
        Payout(f"po_{at}", at, at + 2 * _DAY, 100_000, "usd", "paid", at + 2 * _DAY, None, True, (f"evt_p{at}",))
        for at in range(start, end, 7 * _DAY)
    ]
    return Books(
        "biz_bench",
        livemode=True,
        newest=end,
        currency="usd",
        sales=_ordered(sales),
        refunds=_ordered(refunds),
        withdrawals=_ordered(withdrawals),
        contests=_ordered(contests),
        subscriptions=tuple(subscriptions),
        payouts=tuple(payouts),
    )


def _outflow(id: str, sale: Sale, days: int) -> Outflow:
    at = sale.at + days * _DAY
    return Outflow(id, sale.id, at, sale.amount // 2, sale.currency, None, None, False, (f"evt_{id}",))


def _ordered(records: list[T]) -> tuple[T, ...]:
    return tuple(sorted(records, key=lambda record: (record.at, record.id)))
