"""A business from its signed webhooks over HTTP to score, reasons and the very bytes; and on the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from adapters.stripe.signature import SigningSecret, sign
from schemas.stripe_events import business_id
from tests.end_to_end.instance import Instance
from tests.end_to_end.test_command_line import started
from vaultra.samples.business import NAME, Story, stripe_events

SECRET = SigningSecret("local", b"whsec_of_this_test")
STORY = Story(
    until=datetime(2026, 3, 20, tzinfo=UTC), months=7, orders=9, subscribers=5, seed=3, account="acct_of_this_test"
)
BUSINESS = business_id("local", STORY.account, True)
# What figures are compared in two versions, and refused.
COMPARE, MIXED = ("volatility@1", "volatility@2"), ("score@1", "volatility@2")


@dataclass(frozen=True, slots=True)
class Told:
    """An instance that was sent a business's webhooks; `bodies` are their bytes by Stripe's id of the event."""

    instance: Instance
    bodies: dict[str, bytes]

    def get(self, path: str, **params: str) -> Any:
        with self.instance.client() as client:
            answer = client.get(f"/v1/businesses/{BUSINESS}{path}", params=params)
            assert answer.status_code == 200, answer.text
            return answer.json()

    def raw(self, event_id: str) -> bytes:
        with self.instance.client() as client:
            return client.get(f"/v1/businesses/{BUSINESS}/events/{event_id}/raw").content

    def wait(self, known: str) -> Any:
        """The score that knows what was received at this moment."""
        deadline = time.monotonic() + 90
        with self.instance.client() as client:
            while time.monotonic() < deadline:
                answer = client.get(f"/v1/businesses/{BUSINESS}/readiness")
                if answer.status_code == 200 and answer.json()["known_at"] >= known and answer.json()["metrics_event"]:
                    return answer.json()
                time.sleep(0.05)  # another process: there is nothing here to wait on
        raise AssertionError(f"no figures came: {self.instance.log()}")


@pytest.fixture(scope="module")
def told(used_before: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    data_dir = used_before(tmp_path_factory.mktemp("business") / "data")
    instance = Instance(data_dir, VAULTRA_STRIPE__CONNECT_WEBHOOK_SECRETS=SECRET.key.decode()).start()
    bodies = {event["id"]: json.dumps(event).encode() for event in stripe_events(STORY)}
    *most, last = bodies.items()
    with instance.client() as client:

        def send(body: bytes) -> int:
            header = {"Stripe-Signature": sign(body, SECRET, now=int(time.time())).decode()}
            return client.post("/v1/webhooks/stripe/connect", content=body, headers=header).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, (body for _, body in most))) == {200}
        assert send(last[1]) == 200
    made = Told(instance, bodies)
    deadline = time.monotonic() + 60
    with instance.client() as client:
        path = f"/v1/businesses/{BUSINESS}/events/{last[0]}"
        while (answer := client.get(path)).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
    made.wait(answer.json()["received"])
    yield made
    instance.stop()


def test_score_leads_down_to_the_bytes_that_were_signed(told: Told) -> None:
    score = told.get("/readiness")
    assert score["score"] is not None
    assert sum(float(factor["points"] or 0) for factor in score["factors"]) + float(
        score["capped_by"]
    ) == pytest.approx(float(score["score"]))
    assert score["reasons"]
    figures = {factor["name"]: factor["figure"] for factor in score["factors"]}
    for reason in score["reasons"]:
        explained = told.get(f"/metrics/{figures[reason['factor']]}/explain", limit="1000")
        shown = [event for record in explained["records"] for event in record["events"]]
        assert len(shown) == reason["event_count"] == explained["figure"]["event_count"] > 0
        assert shown[: len(reason["event_ids"])] == reason["event_ids"]
        assert explained["after"] is None
        for event_id in {shown[0], shown[-1]}:
            assert sha256(told.raw(event_id)).digest() == sha256(told.bodies[event_id]).digest()
    charges = told.get("/metrics/charges/explain", month="2026-02", limit="1000")
    assert len(charges["records"]) == int(charges["figure"]["value"]) > 0
    event = told.get(f"/events/{charges['records'][0]['events'][0]}")
    assert (event["verdict"]["checked"], event["verdict"]["verified"]) == (True, True)


def test_ledger_is_read_page_by_page_to_what_it_is_at_once(told: Told) -> None:
    whole = told.get("/ledger", limit="500")["entries"]
    paged: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = told.get("/ledger", limit="37", **({"after": after} if after else {}))
        paged += page["entries"]
        after = page["after"]
    assert paged[: len(whole)] == whole
    assert len({entry["id"] for entry in paged}) == len(paged)
    assert all(event in told.bodies for entry in paged for event in entry["events"])


def commands(data_dir: Path, *commands: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of commands that run side by side."""
    running = [started(data_dir, *arguments, COLUMNS="160") for arguments in commands]
    done = [(process.communicate(timeout=280), process.returncode) for process in running]
    assert not any("Traceback" in stderr for (_, stderr), _ in done)
    return [(code, stdout, stderr) for (stdout, stderr), code in done]


@pytest.mark.timeout(300)
def test_business_is_listed_shown_and_compared_for_people_and_machines(told: Told) -> None:
    machines, table, whole, screen, nobody, differing, mixed = commands(
        told.instance.data_dir,
        ("business", "list", "--json"),
        ("business", "list"),
        ("business", "show", BUSINESS, "--json"),
        ("business", "show", BUSINESS),
        ("business", "show", "biz_nothing"),
        ("compare", *COMPARE, "--json"),
        ("compare", *MIXED),
    )
    score = told.get("/readiness")
    (listed,) = json.loads(machines[1])
    assert (listed["business_id"], listed["account"], listed["score"]) == (BUSINESS, STORY.account, score["score"])
    assert (listed["confidence"], listed["as_of"][:10]) == (score["confidence"], score["as_of"][:10])
    assert [code for code, _, _ in (machines, table, whole, screen, differing)] == [0] * 5
    for words in (BUSINESS, listed["band"], "confidence", "to"):
        assert words in table[1]

    assert json.loads(whole[1])["readiness"] == score
    for words in (NAME, f"{int(float(score['score']))} of 100", "What costs points", "Figures", "This week", "█"):
        assert words in screen[1]
    assert "1 charges" not in screen[1]
    assert (nobody[0], nobody[1], "No business of yours has this id" in nobody[2]) == (1, "", True)

    found = json.loads(differing[1])
    (different,) = found["different"]
    assert (found["businesses"], different["business_id"]) == (1, BUSINESS)
    assert different["left"] != different["right"]
    assert (mixed[0], "two versions of one thing" in mixed[2]) == (2, True)


def test_declaration_is_an_event_that_answers_what_stripe_cannot_see(told: Told) -> None:
    before = told.get("/readiness")
    figures = {figure["name"]: figure for figure in told.get("/metrics")["figures"]}
    assert figures["runway"]["unknown"] == "the monthly burn is not declared"
    arguments = ("--name", "Corner shop", "--burn", "250000", "--debt-service", "50000", "--currency", "usd")
    ((code, stdout, stderr),) = commands(told.instance.data_dir, ("business", "declare", BUSINESS, *arguments))
    assert (code, "declared as event" in stdout) == (0, True), stderr
    declared_at = _until_declared(told)
    told.wait(declared_at)
    after = told.get("/readiness")
    # A word of its owner says nothing of when the business was alive.
    assert (after["as_of"], after["score"]) == (before["as_of"], before["score"])
    figures = {figure["name"]: figure for figure in told.get("/metrics")["figures"]}
    assert float(figures["runway"]["value"]) > 0
    assert figures["dscr"]["value"] is not None
    assert {figure["as_of"] for figure in figures.values()} == {before["as_of"]}
    then = told.get("/metrics", known_at=before["known_at"])["figures"]
    assert {figure["name"]: figure for figure in then}["runway"]["value"] is None


def _until_declared(told: Told) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = told.get("")
        if found["declaration"] is not None:
            assert found["declaration"]["monthly_burn"] == 250_000
            assert found["name"] == "Corner shop"
            moment: str = found["declared_at"]
            return moment
        time.sleep(0.05)
    raise AssertionError("the declaration is not seen")
