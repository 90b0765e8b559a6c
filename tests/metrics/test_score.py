"""The readiness score: exact sums, caps, ranges, reasons."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.scoring.factors import SCORECARDS
from processors.scoring.score import band, score
from schemas.metrics import Figure, MetricsComputed, Standing
from schemas.scores import ScoreComputed
from tests.metrics.ledgers import BookOf, measured

FIGURES = sorted(
    {factor.figure for card in SCORECARDS.values() for factor in card.chosen(Decimal(1)) + card.chosen(None)}
)
PERFECT = {
    "average_net_usd": "6000000", "annual_net_usd": "70000000", "history": "30", "trend": "0.04", "volatility": "0.1",
    "nrr": "1.1", "gross_mrr_churn_t3m": "0.01", "logo_churn_t3m": "0.01", "repeat_purchase_90d": "0.5",
    "dispute_activity_worst": "0.001", "refund_rate": "0.01", "payout_reliability": "1", "top1_share": "0.05",
    "hhi": "0.02", "recurring_share": "0.9", "charges_t3m": "1000",
}  # fmt: skip
UNITS = {"average_net_usd": "minor:usd", "annual_net_usd": "minor:usd", "history": "months", "hhi": "index"}


def snapshot_with(standing: Standing | None = None, livemode: bool = True, **changes: str | None) -> MetricsComputed:
    """A perfect business's snapshot with some figures changed; None makes one unknown."""
    plain = measured(BookOf(), "2025-01-01")
    figures = [
        Figure(
            name=name,
            value=None if value is None else Decimal(value),
            unknown="not known" if value is None else None,
            unit=UNITS.get(name, "ratio"),
            as_of=plain.as_of,
            known_at=plain.known_at,
            event_ids=(f"evt_{name}",),
            event_count=1,
        )
        for name, value in {**PERFECT, **changes}.items()
    ]
    return plain.model_copy(
        update={"figures": tuple(figures), "livemode": livemode, "standing": standing or Standing()}
    )


def points(scored: ScoreComputed) -> Decimal:
    return sum((factor.points or Decimal(0) for factor in scored.factors), Decimal(0))


def test_score_is_100_when_every_factor_is_at_its_best() -> None:
    scored = score(snapshot_with())
    assert (scored.score, scored.band, scored.confidence, scored.reasons) == (100, "ready", "normal", ())


values = st.one_of(st.none(), st.decimals("-2", "90000000", places=6))


@given(
    changed=st.dictionaries(st.sampled_from(FIGURES), values), disabled=st.booleans(), version=st.sampled_from([1, 2])
)
def test_points_and_caps_sum_exactly_to_the_score_whatever_the_figures(
    changed: dict[str, Decimal | None], disabled: bool, version: int
) -> None:
    texts = {name: None if value is None else str(value) for name, value in changed.items() if name != "history"}
    scored = score(snapshot_with(Standing(payouts_disabled=disabled), **texts), version=version)
    assert scored.score is not None
    assert scored.low is not None
    assert scored.high is not None
    assert points(scored) + scored.capped_by == scored.score
    assert sum(factor.weight for factor in scored.factors) == 100
    assert 0 <= scored.low <= scored.score <= scored.high <= 100
    assert len(scored.reasons) <= 4
    assert all(
        factor.points is not None for factor in scored.factors if factor.name in {r.factor for r in scored.reasons}
    )
    assert scored.score <= 20 or not disabled


@pytest.mark.parametrize(
    ("value", "expected"), [("0.003", 15), ("0.01", 0), ("0.0065", Decimal("7.5")), ("0.0001", 15), ("0.5", 0)]
)
def test_points_are_linear_between_full_and_zero(value: str, expected: Decimal) -> None:
    scored = score(snapshot_with(dispute_activity_worst=value))
    assert next(factor.points for factor in scored.factors if factor.name == "dispute_activity") == expected


def test_missing_figure_makes_a_range_and_is_never_reweighted() -> None:
    scored = score(snapshot_with(payout_reliability=None))
    assert (scored.score, scored.low, scored.high, scored.confidence) == (90, 90, 100, "low")
    assert scored.reasons == ()


def test_few_charges_make_a_range_when_the_rate_itself_is_perfect() -> None:
    few = {"charges_t3m": "60", "worst_month_disputes": "0", "worst_month_charges": "20", "refund_rate_count": "0"}
    scored = score(snapshot_with(refund_rate="0", dispute_activity_worst="0", **few))
    assert scored.score == 100 == scored.high
    assert scored.low is not None
    assert scored.low < 90
    assert scored.confidence == "low"


@pytest.mark.parametrize(
    ("standing", "changes", "limit"),
    [
        (Standing(programme_breaches=("visa_vamp",)), {}, 40),
        (Standing(payouts_disabled=True), {}, 20),
        (Standing(payouts_disabled=True, programme_breaches=("visa_vamp",)), {}, 20),
        (Standing(), {"top1_share": "0.51"}, 60),
        (Standing(), {"top1_share": "0.50"}, 94),
    ],
)
def test_cap_holds_the_score_down_when_its_gate_is_met(standing: Standing, changes: dict[str, str], limit: int) -> None:
    scored = score(snapshot_with(standing, **changes))
    assert scored.score == limit
    assert points(scored) + scored.capped_by == limit


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"history": "2"}, "a score needs 3"), ({"annual_net_usd": "499999"}, "a score needs 5,000 usd")],
)
def test_business_is_unscored_when_there_is_too_little_to_go_by(changes: dict[str, str], words: str) -> None:
    scored = score(snapshot_with(**changes))
    assert (scored.score, scored.band) == (None, "unscored")
    assert words in (scored.unscored or "")


def test_test_mode_is_never_scored() -> None:
    assert score(snapshot_with(livemode=False)).band == "unscored"


def test_repeat_purchases_stand_for_retention_when_little_recurs_and_the_answer_says_so() -> None:
    scored = score(snapshot_with(recurring_share="0.29", repeat_purchase_90d="0.25", nrr=None))
    assert {"nrr", "repeat_purchase"} & {factor.name for factor in scored.factors} == {"repeat_purchase"}
    assert scored.score == Decimal("92.5")
    assert any("repeat purchases" in note for note in scored.notes)


def test_reasons_are_the_costliest_four_with_events_and_what_would_be_gained() -> None:
    bad = {
        "trend": "-0.05",
        "volatility": "0.6",
        "dispute_activity_worst": "0.007",
        "refund_rate": "0.1",
        "hhi": "0.25",
    }
    scored = score(snapshot_with(**bad))
    assert [reason.factor for reason in scored.reasons] == ["trend", "volatility", "dispute_activity", "refunds"]
    dispute = scored.reasons[2]
    assert dispute.lost == Decimal("8.57")
    assert dispute.counterfactual == "at 0.5 %: +4.28"
    assert dispute.event_ids == ("evt_dispute_activity_worst",)


def test_gain_is_what_the_whole_score_gains_when_a_cap_holds() -> None:
    scored = score(snapshot_with(Standing(payouts_disabled=True), trend="-0.05"))
    assert scored.reasons[0].counterfactual == "at -1 %: +7.5 points, +0 under the cap"


@pytest.mark.parametrize(
    ("points", "expected"), [("80", "ready"), ("79.99", "near"), ("60", "near"), ("59.99", "building")]
)
def test_band_begins_at_its_threshold(points: str, expected: str) -> None:
    assert band(Decimal(points)) == expected
