"""A stateful stand-in for Stripe, run as a process: its own signed webhooks, and its lists."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from adapters.stripe.accounts import Access
from adapters.stripe.api import StripeApi
from adapters.stripe.signature import SigningSecret
from processors.ledger.stage import ledger
from schemas.errors import RetryLater
from schemas.ledger.fold import Sighting, history
from schemas.stripe_events import WebhookReceived
from schemas.wire import decode
from streams.log import EventLog
from streams.memory_log import MemoryEventLog
from streams.runner import Runner
from streams.stripe_backfill import StripeBackfill
from tests.api.harness import Api, served
from tests.localstripe import KEY, LocalStripe
from tests.streams.stage_kit import all_of
from tests.stripe.stories import ALL_TOPICS, stage_runs

SECRET = SigningSecret("local", b"whsec_localstripe")
ACCESS = Access(KEY)


@pytest.fixture(scope="module")
def process() -> Iterator[LocalStripe]:
    running = LocalStripe()
    yield running
    running.stop()


@pytest.fixture
async def stripe(process: LocalStripe) -> LocalStripe:
    await process.forget()
    return process


@pytest.fixture
async def stripe_api(stripe: LocalStripe) -> AsyncIterator[StripeApi]:
    made = StripeApi(api_base=stripe.url, rate=1000, page=10)
    yield made
    await made.close()


def backfill(stripe_api: StripeApi, log: EventLog, api: Api) -> StripeBackfill:
    return StripeBackfill(stripe_api, log, Runner(ledger, {}, topics=ALL_TOPICS), api.pool)


async def trade(stripe: LocalStripe, charges: int = 3) -> None:
    """A customer buys, and gets some of it back; some goes to the bank. Of charges localstripe sends no webhooks."""
    customer = await stripe.post("/v1/customers", email="a@example.com")
    card = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
    token = await stripe.post("/v1/tokens", **card)
    await stripe.post(f"/v1/customers/{customer['id']}/sources", source=token["id"])
    for number in range(charges):
        form = {"amount": str(1000 + number), "currency": "eur", "customer": customer["id"]}
        charge = await stripe.post("/v1/charges", **form)
    await stripe.post("/v1/refunds", charge=charge["id"], amount="300")
    await stripe.post("/v1/payouts", amount="500", currency="eur", status="paid")


async def final_states(*logs: EventLog) -> dict[tuple[str, str], str]:
    """(kind, id) → the last state of every charge, refund and customer, from the facts of all the logs together."""
    sightings: dict[tuple[str, str], list[Sighting]] = {}
    for log in logs:
        for record in await all_of(log, "ledger"):
            fact = decode(record.attributes, record.value)
            data = json.loads(record.value or b"")
            if "state" not in data:
                continue
            kind = type(fact.data).KIND
            sightings.setdefault((kind, data["object_id"]), []).append(
                Sighting(
                    kind=kind,
                    object_id=data["object_id"],
                    created=fact.data.created,
                    event=data["stripe_event"],
                    stripe_type=data["stripe_type"],
                    deleted=data["deleted"],
                    previous=data["previous"],
                    state=data["state"],
                    contradictions=(),
                    fact_id=fact.id,
                )
            )
    return {
        (kind, name): repr(history(found).versions[-1].state)
        for (kind, name), found in sightings.items()
        if kind in ("charge", "refund", "customer", "payout")
    }


async def test_webhooks_that_localstripe_signs_are_taken_and_become_facts(api: Api, stripe: LocalStripe) -> None:
    ours = api.with_services(signing_secrets={"platform": (SECRET,)}, clock=lambda: datetime.now(UTC))
    async with served(ours) as url:
        form = {"url": f"{url}/v1/webhooks/stripe", "secret": SECRET.key.decode()}
        await stripe.post("/_config/webhooks/ours", **form)
        await trade(stripe)
        types: list[str] = []
        while not {"customer.created", "payout.created", "payout.paid"} <= set(types):
            end = await api.log.latest(["stripe-events"])
            assert await api.log.read(end, wait=20), f"nothing more than {types} came"
            types = [
                json.loads(record.value or b"")["stripe_type"] for record in await all_of(api.log, "stripe-events")
            ]
    events = [decode(record.attributes, record.value).data for record in await all_of(api.log, "stripe-events")]
    assert all(isinstance(event, WebhookReceived) and event.verdict.verified for event in events)
    await stage_runs(api.log)
    assert await all_of(api.log, "ledger.dead") == []
    assert {kind for kind, _ in await final_states(api.log)} >= {"customer", "payout"}


async def test_import_through_the_lists_ends_as_the_webhooks_do(
    api: Api, stripe: LocalStripe, stripe_api: StripeApi
) -> None:
    await trade(stripe, charges=13)  # more than a page
    pages: list[tuple[str, int, bool]] = []
    log = MemoryEventLog(ALL_TOPICS)
    tally = await backfill(stripe_api, log, api).account(
        "local", ACCESS, None, lambda path, objects, done: pages.append((path, objects, done))
    )
    assert ("/v1/charges", 10, False) in pages
    assert ("/v1/charges", 13, True) in pages
    assert ("/v1/disputes", 0, True) in pages  # localstripe has none of these: noted, not fatal
    assert (tally.duplicates, tally.dead) == (0, {})
    # The events that Stripe made of the same trade, as webhooks would have brought them, before or after.
    webhooks = MemoryEventLog(ALL_TOPICS)
    told = await backfill(stripe_api, webhooks, api).events("local", ACCESS, None, 0, 2**32)
    assert told.read >= 3
    listed, both = await final_states(log), await final_states(log, webhooks)
    assert len(listed) == 16
    assert both == listed


async def test_import_goes_on_where_it_was_cut_off(api: Api, stripe: LocalStripe, stripe_api: StripeApi) -> None:
    await trade(stripe, charges=23)
    log = MemoryEventLog(ALL_TOPICS)

    class Cut(Exception):
        pass

    def cut(path: str, objects: int, done: bool) -> None:
        if (path, objects) == ("/v1/charges", 10):
            raise Cut

    with pytest.raises(Cut):
        await backfill(stripe_api, log, api).account("local", ACCESS, None, cut)
    before = len(await all_of(log, "stripe-events"))
    seen: list[tuple[str, int, bool]] = []
    tally = await backfill(stripe_api, log, api).account(
        "local", ACCESS, None, lambda path, objects, done: seen.append((path, objects, done))
    )
    assert "/v1/customers" not in [path for path, _, _ in seen]
    assert ("/v1/charges", 20, False) in seen
    assert tally.duplicates == 0  # nothing was read again
    whole = MemoryEventLog(ALL_TOPICS)
    await backfill(stripe_api, whole, api).account("local", ACCESS, None)
    assert len(await all_of(log, "stripe-events")) == before + tally.appended
    assert await final_states(log) == await final_states(whole)


async def test_import_pauses_longer_and_longer_when_stripe_does_not_answer(api: Api) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    nobody = StripeApi(api_base="http://127.0.0.1:1", rate=1000, pause=pause)
    with pytest.raises(RetryLater):
        await backfill(nobody, MemoryEventLog(ALL_TOPICS), api).account("local", ACCESS, None)
    waits = [seconds for seconds in pauses if seconds > 0.1]
    assert len(waits) == 6
    assert waits[-1] > waits[0]
    await nobody.close()
