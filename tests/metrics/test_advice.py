"""Advice: what opens it, what it predicts, what closes it and what that brought."""

from __future__ import annotations

from decimal import Decimal

from adapters.ports import Advised, OpenAdvice
from processors.advising.advice import advise, top_of_the_week
from processors.scoring.score import score
from schemas.metrics import Standing
from schemas.recommendations import RecommendationClosed, RecommendationOpened
from tests.metrics.ledgers import BookOf, measured, second
from tests.metrics.test_score import snapshot_with


def opened(snapshot: object, advised: Advised | None = None) -> dict[str, RecommendationOpened]:
    found = advise(snapshot, score(snapshot), advised or Advised())
    return {one.rule: one for one in found if isinstance(one, RecommendationOpened)}


def standing(one: RecommendationOpened) -> Advised:
    kept = OpenAdvice(one.recommendation_id, one.rule, one.subject, one.predicted_uplift, one.score_before)
    return Advised((kept,))


def test_nothing_is_advised_when_all_is_well() -> None:
    assert advise(snapshot_with(), score(snapshot_with()), Advised()) == []


def test_uplift_is_the_score_computed_anew_when_the_trigger_is_cured() -> None:
    snapshot = snapshot_with(dispute_activity_worst="0.0083")
    advice = opened(snapshot)["lower_disputes"]
    cured = score(snapshot_with(dispute_activity_worst="0.003")).score
    assert advice.predicted_uplift == (cured or 0) - (score(snapshot).score or 0) == Decimal("11.36")
    assert advice.rank == Decimal("3.408")  # 11.36 × 0.6 ÷ 2
    assert advice.event_ids == ("evt_dispute_activity_worst",)


def test_advice_that_is_open_is_not_opened_again_when_the_next_snapshot_shows_the_same() -> None:
    snapshot = snapshot_with(refund_rate="0.08")
    first = opened(snapshot)["lower_refunds"]
    assert advise(snapshot, score(snapshot), standing(first)) == []


def test_measured_uplift_is_recorded_beside_the_predicted_when_the_trigger_is_gone() -> None:
    first = opened(snapshot_with(refund_rate="0.06"))["lower_refunds"]
    better = snapshot_with(refund_rate="0.04")
    (closed,) = advise(better, score(better), standing(first))
    assert isinstance(closed, RecommendationClosed)
    assert closed.recommendation_id == first.recommendation_id
    assert (closed.predicted_uplift, closed.measured_uplift) == (Decimal("2.5"), Decimal("1.25"))


def test_advice_is_a_new_one_when_its_trigger_returns_after_it_was_closed() -> None:
    snapshot = snapshot_with(refund_rate="0.06")
    first = opened(snapshot)["lower_refunds"]
    again = opened(snapshot, Advised((), {("lower_refunds", ""): 1}))["lower_refunds"]
    assert first.recommendation_id != again.recommendation_id


def test_open_matters_are_advised_one_by_one_and_urgent_ones_come_first() -> None:
    book = BookOf()
    sales = book.steady("2025-01-01", 4)
    book.warning("2025-04-28", sales[3])
    book.dispute("2025-04-20", sales[2], "needs_response", evidence_due=second("2025-05-03"))
    book.dispute("2025-04-21", sales[1], "needs_response", evidence_due=second("2025-05-20"))
    book.dispute("2025-04-22", sales[0], "under_review", evidence_due=second("2025-05-02"))
    found = opened(measured(book, "2025-05-01"))
    assert found["refund_warned_charge"].event_ids
    assert found["submit_evidence"].due_by is not None
    assert top_of_the_week(found.values())[0].rule == "submit_evidence"
    assert sum(rule == "submit_evidence" for rule in found) == 1
    assert found["wait_for_history"].action.startswith("Wait until 2025-07")


def test_cure_leaves_alone_what_is_better_already() -> None:
    advice = opened(snapshot_with(top1_share="0.30", hhi="0.04"))["diversify"]
    assert advice.predicted_uplift == 3


BREACH = Standing(
    programme_breaches=("mastercard_ecm",), event_ids=("evt_dp",), breach_events={"mastercard_ecm": ("evt_dp",)}
)


def test_fewer_disputes_lift_the_cap_of_a_card_programme() -> None:
    snapshot = snapshot_with(BREACH, dispute_activity_worst="0.02")
    advice = opened(snapshot)["lower_disputes"]
    assert (score(snapshot).score, advice.predicted_uplift) == (40, 60)
    assert advice.closes_when == "dispute activity worst is at most 0.65 %, and no card programme is breached"


def test_breach_is_advised_on_when_disputes_of_all_cards_together_are_few() -> None:
    advice = opened(snapshot_with(BREACH, dispute_activity_worst="0.002"))["lower_disputes"]
    assert advice.trigger == "mastercard_ecm counts this business as excessive"
    assert (advice.predicted_uplift, advice.event_ids) == (60, ("evt_dp",))


def test_disabled_payouts_are_advised_on_when_none_came_back() -> None:
    off = Standing(payouts_disabled=True, event_ids=("evt_off",))
    advice = opened(snapshot_with(off))["enable_payouts"]
    assert (advice.predicted_uplift, advice.event_ids) == (80, ("evt_off",))
    assert set(opened(snapshot_with(off, payouts_failed="2"))) == {"mend_bank_account"}
    assert opened(snapshot_with()) == {}
