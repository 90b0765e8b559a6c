"""Whatever the order of a business's events and however often each comes: the same figures, score and advice."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ports import Advised
from processors.advising.advice import advise
from processors.scoring.score import score
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from
from vaultra.samples.business import Story, stripe_events

AS_OF = "2026-03-20"
EVENTS = list(stripe_events(Story(until=datetime(2026, 3, 20, tzinfo=UTC), months=7, orders=22, subscribers=7, seed=3)))


def told(events: list[dict[str, object]]) -> list[str]:
    snapshot = measured(books_from(events), AS_OF)
    scored = score(snapshot)
    advised = advise(snapshot, scored, Advised())
    return [one.model_dump_json() for one in (snapshot, scored, *advised)]


EXPECTED = told(EVENTS)


def test_story_has_a_score_and_advice() -> None:
    assert score(measured(books_from(EVENTS), AS_OF)).score is not None
    assert len(EXPECTED) > 4


@given(random=st.randoms(use_true_random=False), doubled=st.integers(0, 60))
@settings(max_examples=8, deadline=None)
def test_figures_score_and_advice_are_the_same_when_events_come_in_any_order_and_twice(
    random: object, doubled: int
) -> None:
    events = [*EVENTS, *random.sample(EVENTS, doubled)]
    random.shuffle(events)
    assert told(events) == EXPECTED
