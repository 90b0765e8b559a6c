"""The factors of the readiness score, by version: which figure, how many points, and between which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

# Points are kept to a hundredth each, so that they sum exactly to the score.
_POINT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Factor:
    """Piecewise linear: all of `weight` at `full_at` or better, none at `zero_at` or worse. `words` name it."""

    name: str
    figure: str
    weight: Decimal
    full_at: Decimal
    zero_at: Decimal
    words: str

    def points(self, value: Decimal) -> Decimal:
        """The points a value earns, to a hundredth, half to even."""
        share = Fraction(value - self.zero_at) / Fraction(self.full_at - self.zero_at)
        exact = Fraction(self.weight) * min(Fraction(1), max(Fraction(0), share))
        return Decimal(round(exact * 100)).scaleb(-2).quantize(_POINT)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One version of the score. `occasional` replaces `retention` where less than `recurring_from` recurs.

    `figures` are versions of figures that differ from 1.
    """

    version: int
    factors: tuple[Factor, ...]
    retention: tuple[Factor, ...]
    occasional: tuple[Factor, ...]
    recurring_from: Decimal
    figures: Mapping[str, int] = field(default_factory=dict)

    def chosen(self, recurring_share: Decimal | None) -> tuple[Factor, ...]:
        """The factors that apply to a business with such a share of recurring revenue."""
        recurs = recurring_share is not None and recurring_share >= self.recurring_from
        return self.factors + (self.retention if recurs else self.occasional)


def _factor(name: str, figure: str, weight: int, full_at: str, zero_at: str, words: str) -> Factor:
    return Factor(name, figure, Decimal(weight), Decimal(full_at), Decimal(zero_at), words)


_FACTORS = (
    _factor("average_net", "average_net_usd", 8, "5000000", "100000", "average net a month"),
    _factor("history", "history", 7, "24", "3", "months of history"),
    _factor("trend", "trend", 15, "0.03", "-0.05", "trend of net a month"),
    _factor("volatility", "volatility", 15, "0.15", "0.60", "volatility of net"),
    _factor("dispute_activity", "dispute_activity_worst", 15, "0.003", "0.01", "disputes in the worst of 3 months"),
    _factor("refunds", "refund_rate", 5, "0.02", "0.10", "refunded volume"),
    _factor("payouts", "payout_reliability", 10, "1", "0.90", "payouts that arrived"),
    _factor("top1", "top1_share", 6, "0.10", "0.50", "share of the largest customer"),
    _factor("hhi", "hhi", 4, "0.05", "0.25", "concentration of customers"),
)
_RETENTION = (
    _factor("nrr", "nrr", 7, "1.05", "0.70", "net revenue retention"),
    _factor("gross_churn", "gross_mrr_churn_t3m", 5, "0.015", "0.06", "recurring revenue lost a month"),
    _factor("logo_churn", "logo_churn_t3m", 3, "0.02", "0.07", "customers lost a month"),
)
_OCCASIONAL = (
    _factor("repeat_purchase", "repeat_purchase_90d", 15, "0.40", "0.10", "customers who bought again in 90 days"),
)

SCORECARDS: dict[int, Scorecard] = {
    1: Scorecard(1, _FACTORS, _RETENTION, _OCCASIONAL, Decimal("0.30")),
    # A candidate beside it: one odd month must not look like a volatile business.
    2: Scorecard(2, _FACTORS, _RETENTION, _OCCASIONAL, Decimal("0.30"), {"volatility": 2}),
}
