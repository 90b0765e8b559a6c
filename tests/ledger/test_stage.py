"""The stage `ledger` on a log: facts go out, what cannot be read becomes a dead letter, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from processors.ledger.stage import ledger
from schemas.envelope import about_business
from schemas.wire import Message, encode
from streams.dead_letters import list_letters
from streams.embedded import EmbeddedRuntime
from streams.memory_log import MemoryEventLog
from streams.runner import Runner
from streams.topics import TOPICS, diversion_topics
from tests.ledger.stories import business, charge, messages
from tests.ledger.webhooks import event, webhook
from tests.streams.stage_kit import all_of

ALL = (*TOPICS, *diversion_topics(["ledger"]))


def received(payloads: Sequence[dict[str, Any]]) -> list[Message]:
    """Webhooks as the API appends them."""
    found = []
    for payload in payloads:
        data = webhook(payload)
        found.append(
            encode(
                about_business(
                    data.business,
                    data,
                    id=data.stripe_event,
                    source="vaultra/api",
                    time=data.received,
                    tenant="local",
                ),
                "stripe-events",
            )
        )
    return found


async def run(log: MemoryEventLog) -> Runner:
    runner = Runner(ledger, {}, topics=ALL, halt_after=3)
    async with EmbeddedRuntime(log, [runner]) as runtime, asyncio.timeout(20):
        await runtime.wait_idle()
    return runner


async def test_facts_are_those_of_the_batch_path_when_webhooks_pass_the_stage() -> None:
    log = MemoryEventLog(ALL)
    await log.append(received(business()))
    await run(log)
    facts = await all_of(log, "ledger")
    assert {(one.attributes["id"], one.value) for one in facts} == {(one.id, one.value) for one in messages(business())}

    await log.append(received(business()))
    await run(log)
    assert len(await all_of(log, "ledger")) == len(facts)


async def test_others_go_on_when_many_payloads_in_a_row_cannot_be_read() -> None:
    cut = [{**charge(str(n), 0, 5, "eur"), "amount": None} for n in range(9)]
    unreadable = [event(f"bad{n}", "charge.succeeded", 0, raw) for n, raw in enumerate(cut)]
    log = MemoryEventLog(ALL)
    await log.append(received([*unreadable, event("good", "charge.succeeded", 0, charge("x", 0, 5, "eur"))]))
    runner = await run(log)

    assert not runner.halted
    (fact,) = await all_of(log, "ledger")
    assert fact.attributes["causationid"] == "evt_good"
    letters = await list_letters(log, "ledger")
    assert len(letters) == 9
    assert {letter.reason for letter in letters} == {f"charge ch_{n}: amount is missing" for n in range(9)}
