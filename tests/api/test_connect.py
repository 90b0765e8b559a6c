"""Connecting an account, reading it, and losing it again: states that cannot be made up, tokens that do not stay."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.secrets import StoredSecrets
from adapters.stripe.accounts import Access, token_name
from adapters.stripe.api import StripeApi
from adapters.stripe.connecting import StripeConnecting
from adapters.stripe.signature import SigningSecret, sign
from processors.followup import followup
from processors.ledger.stage import ledger
from schemas.errors import SetupError
from schemas.stripe_followups import FollowUpParked
from schemas.wire import Message, decode
from streams.embedded import EmbeddedRuntime
from streams.runner import Runner
from streams.stripe_backfill import StripeBackfill
from streams.stripe_follow_ups import StripeFollowUpWork
from streams.stripe_parked import ask_again, parked
from streams.topics import TOPICS, diversion_topics
from tests.api.harness import NOW, Api
from tests.streams.stage_kit import all_of
from tests.stripe.small_stripe import KEY, TOKEN, SmallStripe, small_stripe
from tests.stripe.stories import charge_event

CALLBACK = "/v1/stripe/connect/callback"
SECRET = SigningSecret("local", b"whsec_connect")
ALL_TOPICS = (*TOPICS, *diversion_topics(["ledger", "followup"]))


class Platform:
    """The API with connecting configured, the secrets it keeps, and the stage that follows up."""

    def __init__(self, api: Api, stripe: SmallStripe, folder: Path, key: str = KEY) -> None:
        numbers = itertools.count(1)
        self.now = NOW
        self.seconds = 30.0
        self.pauses: list[float] = []
        self.stripe_api = StripeApi(
            api_base=stripe.url, connect_base=stripe.url, rate=10_000, page=2, pause=self._pause, jitter=lambda: 0.5
        )
        self.secrets = StoredSecrets({"stripe/api-key": key}, folder)
        connecting = StripeConnecting(
            self.stripe_api,
            self.secrets,
            api.pool,
            client_id="ca_ours",
            randomness=lambda size: next(numbers).to_bytes(size, "big"),
            clock=lambda: self.now,
        )
        self.api = api.with_services(
            connecting=connecting, clock=lambda: self.now, signing_secrets={"connect": (SECRET,), "platform": (SECRET,)}
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def backfill(self) -> StripeBackfill:
        ledger_runner = Runner(ledger, {}, topics=ALL_TOPICS)
        return StripeBackfill(self.stripe_api, self.api.log, ledger_runner, self.api.pool, clock=lambda: self.now)

    async def follow_up(self) -> None:
        """Until the stage has done everything that was asked for."""
        work = StripeFollowUpWork(
            self.backfill(), self.secrets, self.api.pool, clock=lambda: self.now, seconds=self.seconds
        )
        runner = Runner(followup, {"stripe_follow_ups": work}, topics=ALL_TOPICS)
        async with EmbeddedRuntime(self.api.log, [runner]) as runtime:
            while (await runtime.lag())["followup"]:
                await self.api.log.read(await self.api.log.latest(["stripe-followups"]), wait=0.05)

    async def link(self) -> dict[str, str]:
        async with self.api.client() as client:
            response = await client.post("/v1/stripe/connect")
        assert response.status_code == 200, response.text
        url = urlsplit(response.json()["url"])
        assert (url.netloc, url.path) == ("connect.stripe.com", "/oauth/authorize")
        return {name: values[0] for name, values in parse_qs(url.query).items()}

    async def back(self, **query: str) -> tuple[int, dict[str, Any]]:
        async with self.api.client() as client:
            response = await client.get(CALLBACK, params=query)
        return response.status_code, response.json()

    async def webhook(self, event: dict[str, Any]) -> None:
        body = json.dumps(event).encode()
        async with self.api.client() as client:
            headers = {"stripe-signature": sign(body, SECRET, now=int(self.now.timestamp())).decode()}
            response = await client.post("/v1/webhooks/stripe/connect", content=body, headers=headers)
        assert response.status_code == 200, response.text

    async def accounts(self) -> list[dict[str, Any]]:
        async with self.api.client() as client:
            return (await client.get("/v1/stripe/accounts")).json()["accounts"]

    async def events(self) -> list[str]:
        return sorted(record.attributes["id"] for record in await all_of(self.api.log, "stripe-events"))


@pytest.fixture
async def stripe() -> AsyncIterator[SmallStripe]:
    async with small_stripe() as running:
        yield running


@pytest.fixture
async def platform(api: Api, stripe: SmallStripe, tmp_path: Path) -> AsyncIterator[Platform]:
    made = Platform(api, stripe, tmp_path / "secrets")
    yield made
    await made.stripe_api.close()


async def test_account_is_connected_and_its_history_imported(platform: Platform, stripe: SmallStripe) -> None:
    stripe.charges = [charge_event(number)["data"]["object"] for number in range(5)]
    link = await platform.link()
    assert (link["client_id"], link["redirect_uri"]) == ("ca_ours", f"http://localhost{CALLBACK}")
    status, body = await platform.back(code="ac_good", state=link["state"])
    assert (status, body["account"], body["livemode"]) == (200, "acct_7", False)
    assert platform.secrets.get(token_name("local", "acct_7")) == TOKEN
    assert [one["account"] for one in await platform.accounts()] == ["acct_7"]
    await platform.follow_up()
    assert len(await platform.events()) == 5
    assert ("/v1/charges", f"Bearer {TOKEN}", None) in stripe.seen
    assert TOKEN not in json.dumps([str(record) for record in await all_of(platform.api.log, "stripe-followups")])


async def test_long_import_is_done_in_pieces(platform: Platform, stripe: SmallStripe) -> None:
    stripe.charges = [charge_event(number)["data"]["object"] for number in range(7)]
    platform.seconds = -1.0  # one page at a time
    await platform.back(code="ac_good", state=(await platform.link())["state"])
    await platform.follow_up()
    assert len(await platform.events()) == 7
    assert len([path for path, _, _ in stripe.seen if path == "/v1/charges"]) == 4
    types = [record.attributes["type"] for record in await all_of(platform.api.log, "stripe-followups")]
    assert types.count("vaultra.stripe.follow_up_requested.v1") > 10
    assert types.count("vaultra.stripe.follow_up_done.v1") == 1


async def test_state_is_refused_when_it_is_forged_expired_or_used(platform: Platform, stripe: SmallStripe) -> None:
    state = (await platform.link())["state"]
    packed, _, signature = state.partition(".")
    other = (await platform.link())["state"].partition(".")[0]
    for forged in ("", ".", "x", f"{packed}.{'0' * 64}", f"{other}.{signature}", f"{packed}.é", f"é.{signature}"):
        assert (await platform.back(code="ac_good", state=forged))[0] == 400, forged
    platform.now += timedelta(minutes=16)
    assert "expired" in (await platform.back(code="ac_good", state=state))[1]["detail"]
    fresh = (await platform.link())["state"]
    assert (await platform.back(code="ac_wrong", state=fresh))[0] == 400
    assert "used already" in (await platform.back(code="ac_good", state=fresh))[1]["detail"]
    assert await platform.accounts() == []
    assert "ac_good" in stripe.codes


async def test_nothing_is_connected_when_the_owner_says_no(platform: Platform) -> None:
    state = (await platform.link())["state"]
    status, body = await platform.back(error="access_denied", state=state)
    assert (status, "access_denied" in body["detail"]) == (400, True)


async def test_token_is_removed_when_the_account_is_deauthorised(platform: Platform) -> None:
    await platform.back(code="ac_good", state=(await platform.link())["state"])
    gone = charge_event(1, type="account.application.deauthorized", account="acct_7", livemode=False)
    gone["data"] = {"object": {"id": "ca_ours", "object": "application", "name": "ours"}}
    for _ in range(2):
        await platform.webhook(gone)
    await platform.follow_up()
    assert platform.secrets.get(token_name("local", "acct_7")) is None
    (account,) = await platform.accounts()
    assert account["disconnected_at"] is not None
    with pytest.raises(SetupError, match="disconnected"):
        await platform.backfill().account("local", Access(KEY, "acct_7"), "acct_7")


async def test_missed_events_are_fetched_under_their_own_ids(platform: Platform, stripe: SmallStripe) -> None:
    stripe.events = [charge_event(number) for number in range(5)]
    await platform.webhook({**charge_event(3), "account": "acct_9"})
    type_name = "v2.core.health.event_generation_failure.resolved"
    await platform.webhook({"id": "evt_test_1", "object": "v2.core.event", "type": type_name, "context": "acct_9"})
    await platform.follow_up()
    assert await platform.events() == sorted(["evt_test_1", *(f"evt_{number:06d}" for number in range(5))])
    assert ("/v1/events", f"Bearer {KEY}", "acct_9") in stripe.seen


async def test_thin_event_is_fetched_with_the_object_it_is_about(platform: Platform, stripe: SmallStripe) -> None:
    charge = charge_event(4)["data"]["object"]
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.charge.updated", "created": "2026-05-04T11:59:00Z"}
    stripe.objects["/v2/core/events/evt_thin"] = {**thin, "related_object": {"id": "ch_4", "url": "/v1/charges/ch_4"}}
    stripe.objects["/v1/charges/ch_4"] = charge
    await platform.webhook(thin)
    await platform.follow_up()
    fetched = [one for one in await platform.events() if one.startswith("obs_")]
    assert len(fetched) == 1


async def test_thin_event_is_parked_visibly_when_no_key_is_configured(
    api: Api, stripe: SmallStripe, tmp_path: Path
) -> None:
    platform = Platform(api, stripe, tmp_path / "secrets", key="")
    await platform.webhook({"id": "evt_thin", "object": "v2.core.event", "type": "v1.charge.updated"})
    await platform.follow_up()
    records = await all_of(platform.api.log, "stripe-followups")
    told = [one for one in (decode(r.attributes, r.value).data for r in records) if isinstance(one, FollowUpParked)]
    assert [one.request.stripe_event for one in told] == ["evt_thin"]
    assert "VAULTRA_STRIPE__API_KEY" in told[0].reason
    assert await platform.events() == ["evt_thin"]
    assert stripe.seen == []
    (waiting,) = await parked(platform.api.log)
    assert (waiting.needs_key, waiting.request.stripe_event, waiting.event.tenantid) == (True, "evt_thin", "local")


async def test_what_is_parked_is_listed_when_something_foreign_stands_beside_it(
    api: Api, stripe: SmallStripe, tmp_path: Path
) -> None:
    platform = Platform(api, stripe, tmp_path / "secrets", key="")
    await platform.webhook({"id": "evt_thin", "object": "v2.core.event", "type": "v1.charge.updated"})
    await platform.follow_up()
    attributes = {"specversion": "1.0", "id": "x", "type": "vaultra.stripe.follow_up_parked.v99", "tenantid": "local"}
    await api.log.append([Message("stripe-followups", "k", "x", "local", attributes, b"{}", {})])
    assert len(await parked(api.log)) == 1
    await platform.stripe_api.close()


async def test_what_was_parked_is_done_when_it_is_asked_for_again_with_a_key(
    api: Api, stripe: SmallStripe, tmp_path: Path
) -> None:
    platform = Platform(api, stripe, tmp_path / "secrets", key="")
    for name in ("evt_thin", "evt_gone"):
        await platform.webhook({"id": name, "object": "v2.core.event", "type": "v1.charge.updated"})
    await platform.follow_up()
    waiting = await parked(api.log)
    assert sorted(one.request.stripe_event or "" for one in waiting) == ["evt_gone", "evt_thin"]

    # Asked again while there is still no key: parked again, and waiting once.
    assert await ask_again(api.log, waiting, NOW) == 2
    assert await ask_again(api.log, waiting, NOW) == 0
    assert await parked(api.log) == []
    await platform.follow_up()
    again = await parked(api.log)
    assert len(again) == 2
    assert not {one.event.id for one in again} & {one.event.id for one in waiting}

    related = {"id": "ch_4", "url": "/v1/charges/ch_4"}
    stripe.objects["/v2/core/events/evt_thin"] = {"id": "evt_thin", "related_object": related}
    stripe.objects["/v1/charges/ch_4"] = charge_event(4)["data"]["object"]
    platform.secrets = StoredSecrets({"stripe/api-key": KEY}, tmp_path / "secrets")
    assert await ask_again(api.log, again, NOW) == 2
    await platform.follow_up()
    assert len([one for one in await platform.events() if one.startswith("obs_")]) == 1
    # What Stripe does not know is parked for another reason, which no key mends.
    (gone,) = await parked(api.log)
    assert (gone.request.stripe_event, gone.needs_key) == ("evt_gone", False)
    await platform.stripe_api.close()


async def test_requests_wait_as_long_as_stripe_asks_when_it_is_busy(platform: Platform, stripe: SmallStripe) -> None:
    stripe.charges = [charge_event(1)["data"]["object"]]
    stripe.busy, stripe.retry_after = 3, "7"
    page = await platform.stripe_api.page(Access(KEY), "/v1/charges")
    assert len(page.objects) == 1
    assert [pause for pause in platform.pauses if pause > 1] == [7.0, 7.0, 7.0]
