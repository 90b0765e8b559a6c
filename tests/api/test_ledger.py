"""A business's ledger over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.envelope import about_business
from schemas.wire import encode
from tests.api.harness import Api
from tests.ledger.stories import books, business, messages, payout
from tests.ledger.webhooks import BUSINESS, START, event, webhook
from tests.metrics.test_destination_charges import CONNECTED, PLATFORM

LEDGER = f"/v1/businesses/{BUSINESS}/ledger"


async def test_ledger_is_paged_and_reconciled(api: Api) -> None:
    await api.log.append(messages([*business(), event("90", "payout.failed", 1, payout("9", 0, 5, "eur", "paid"))]))
    await api.project()
    shown: list[dict[str, object]] = []
    params: dict[str, str] | None = {"limit": "4"}
    async with api.client() as client:
        while params:
            page = (await client.get(LEDGER, params=params)).json()
            shown += page["entries"]
            params = {"limit": "4", "after": page["after"]} if page["after"] else None
        early = (await client.get(LEDGER, params={"as_of": (START + timedelta(days=1)).isoformat()})).json()
        before = (await client.get(LEDGER, params={"known_at": (START - timedelta(days=1)).isoformat()})).json()
        sums = (await client.get(f"{LEDGER}/reconciliation")).json()
    expected, _ = books([*business(), event("90", "payout.failed", 1, payout("9", 0, 5, "eur", "paid"))])
    assert [one["id"] for one in shown] == [one.id for one in expected]
    assert [one["amount"] for one in early["entries"]] == [10_000, -5, -320, 5_000]
    assert before["entries"] == []
    assert (sums["checked"], sums["moved"], sums["mismatches"]) == (7, {"eur": 5_030}, [])
    assert sums["unhandled"] == {"product.updated": 1}
    assert list(sums["contradictions"]) == ["po_9"]


@pytest.mark.parametrize("rest", ["", "/reconciliation", "?known_at=2026-01-01T00:00:00Z"])
async def test_ledger_is_a_404_when_the_business_is_unknown_or_anothers(api: Api, rest: str) -> None:
    await api.log.append(messages(business(), tenant="other"))
    await api.project()
    async with api.client() as client:
        answers = [(await client.get(f"/v1/businesses/{name}/ledger{rest}")) for name in (BUSINESS, "biz_0", "%00")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("after=nonsense", 400),
        ("as_of=yesterday", 422),
        ("as_of=2026-01-01T00:00:00", 422),
        ("as_of=2026-02-30", 422),
        ("as_of=9999-12-31", 422),
        ("known_at=2026-01-01", 200),
        ("limit=0", 422),
        ("as_of=0001-01-01T00:00:00%2B14:00", 422),
        ("known_at=9999-12-31T23:59:59-14:00", 422),
    ],
)
async def test_bound_is_understood_or_refused_when_it_is(api: Api, query: str, status: int) -> None:
    await api.log.append(messages(business()))
    await api.project()
    async with api.client() as client:
        assert (await client.get(f"{LEDGER}?{query}")).status_code == status


async def test_whole_day_is_in_the_answer_when_the_bound_is_a_date(api: Api) -> None:
    await api.log.append(messages(business()))
    await api.project()
    day = START.date()
    async with api.client() as client:
        of_day, to_midnight, of_eve = [
            (await client.get(LEDGER, params={"as_of": bound})).json()["entries"]
            for bound in (f"{day}", f"{day + timedelta(days=1)}T00:00:00Z", f"{day - timedelta(days=1)}")
        ]
    assert of_day == to_midnight != of_eve


async def test_event_of_a_destination_charge_is_opened_from_the_account_it_was_for(api: Api) -> None:
    told = PLATFORM[0]
    received = webhook(told)
    cause = about_business(BUSINESS, received, id=told["id"], source="test", time=received.created, tenant="local")
    await api.log.append([encode(cause, "stripe-events"), *messages([told])])
    await api.project()
    async with api.client() as client:
        answers = [await client.get(f"/v1/businesses/{name}/events/{told['id']}/raw") for name in (BUSINESS, CONNECTED)]
    assert [answer.text for answer in answers] == [received.body] * 2
