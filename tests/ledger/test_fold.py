"""The fold of facts: whatever the order, however often, whatever second."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ledger.fold import history, in_order
from tests.ledger.stories import books, business, histories, sightings
from tests.ledger.webhooks import at, event

STORY = business()
EXPECTED = (histories(STORY), books(STORY))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_histories_and_books_are_the_same_when_events_come_in_any_order_and_twice(data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(STORY), max_size=8))
    story = data.draw(st.permutations([*STORY, *again]))
    assert (histories(story), books(story)) == EXPECTED


def statuses(*events: dict[str, Any]) -> list[str]:
    return [one.state["status"] for one in in_order(sightings(events))]


def subscription(number: str, status: str, before: str | None = None, day: float = 1, **more: Any) -> dict[str, Any]:
    raw = {"id": "sub_1", "object": "subscription", "status": status, "created": at(0)}
    changed = {} if before is None else {"previous": {"status": before}}
    return event(number, more.get("type", "customer.subscription.updated"), day, raw, **changed)


@given(st.permutations(range(4)))
def test_changes_of_one_second_follow_their_previous_attributes(order: list[int]) -> None:
    chain = [
        subscription("9", "trialing", type="customer.subscription.created"),
        subscription("4", "active", "trialing"),
        subscription("7", "past_due", "active"),
        subscription("1", "unpaid", "past_due"),
    ]
    assert statuses(*(chain[index] for index in order)) == ["trialing", "active", "past_due", "unpaid"]


@given(st.permutations(range(3)))
def test_changes_there_and_back_in_one_second_start_from_what_was_before(order: list[int]) -> None:
    chain = [
        subscription("5", "active", day=0),
        subscription("9", "past_due", "active"),
        subscription("1", "active", "past_due"),
    ]
    assert statuses(*(chain[index] for index in order)) == ["active", "past_due", "active"]


@given(st.permutations(range(2)))
def test_later_event_id_wins_when_nothing_else_tells_the_order(order: list[int]) -> None:
    pair = [subscription("1", "active"), subscription("2", "unpaid")]
    assert statuses(*(pair[index] for index in order)) == ["active", "unpaid"]


@given(st.permutations(range(2)))
def test_subscription_stays_cancelled_when_a_change_of_its_last_second_has_the_later_id(order: list[int]) -> None:
    pair = [subscription("1", "canceled", type="customer.subscription.deleted"), subscription("2", "active")]
    assert statuses(*(pair[index] for index in order)) == ["active", "canceled"]


def test_two_events_are_one_version_when_they_show_one_change() -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 5, "currency": "eur", "status": "failed"}
    found = history(sightings([event("2", "charge.refund.updated", 1, refund), event("1", "refund.failed", 1, refund)]))
    (only,) = found.versions
    assert only.event == "evt_1"


def test_state_before_stays_when_a_deleted_object_comes_as_a_stub() -> None:
    whole = {"id": "cus_1", "object": "customer", "currency": "eur", "created": at(0)}
    stub = {"id": "cus_1", "object": "customer", "deleted": True}
    found = history(sightings([event("2", "customer.deleted", 1, stub), event("1", "customer.created", 1, whole)]))
    assert found.latest.deleted
    assert found.latest.state.currency == "eur"
    assert [one.deleted for one in found.versions] == [False, True]
