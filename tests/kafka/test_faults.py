"""What stages and projections stand on goes away and comes back, under traffic: nothing is lost, nothing is twice.

One cluster, one PostgreSQL, two workers and one projection live through all of it, one fault a test. `make faults` runs
the faults at full length.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from projections.rebuild import rebuild
from schemas.errors import Unavailable
from schemas.wire import Message
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from tests.contracts.log_kit import NUMBERS, message
from tests.kafka.length import FULL, either
from tests.kafka.rig import OUTPUTS_BROKER, Rig, place_on_one
from tests.kafka.stages import PROJECTION
from tests.streams.stage_kit import all_of, ids_on

pytestmark = pytest.mark.timeout(3600 if FULL else 600)


@pytest.fixture(scope="module")
async def rig(kafka_present: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig.running(tmp_path_factory.mktemp("rig")) as running:
        yield running


@pytest.fixture(autouse=True)
def at_work(rig: Rig) -> None:
    """Two workers and the projection, whatever the test before left."""
    rig.supervise()
    if rig.projecting.process is None or rig.projecting.process.poll() is not None:
        rig.projecting.start()


async def test_group_begins_at_the_first_event_when_it_is_new_on_an_old_topic(rig: Rig) -> None:
    """First of all: what is fed before anybody ever worked is done all the same."""
    for worker in rig.alive:
        worker.kill()
        await worker.ended()
    await rig.feed(20)
    only_answers = rig.scene.start(config={"stages": ("answer",)})
    async with asyncio.timeout(120):
        while sum(lag for name, lag in (await rig.scene.lags()).items() if name.startswith("answer ")):
            await asyncio.sleep(0.05)
    assert len(await all_of(rig.scene.log, "pongs")) == 20
    assert await all_of(rig.scene.log, "tolds") == []
    only_answers.signal(signal.SIGTERM)
    await only_answers.ended()
    rig.work()
    await rig.check()


async def test_tables_are_right_when_the_projection_is_killed(rig: Rig) -> None:
    async with rig.traffic():
        for _ in range(10 if FULL else 2):
            await rig.answered(10)
            assert await rig.projecting.end(signal.SIGKILL) == -signal.SIGKILL
            rig.projecting.start()
    await rig.check()


async def test_traffic_goes_on_when_one_broker_of_three_dies_and_returns(rig: Rig) -> None:
    for number in (1, 2) if FULL else (random.choice((1, 2)),):
        async with rig.traffic():
            await rig.acknowledged(10)
            await rig.kafka.kill(number)
            await rig.acknowledged(20)
            await rig.answered(20)
            await asyncio.sleep(either(30, 0))
            await rig.kafka.restart(number)
            await rig.answered(10)
        await rig.check()


async def test_append_is_done_when_its_producer_gave_another_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a leader a producer gives up what is old, and is given up itself; what is younger must not be stuck."""
    monkeypatch.setattr("streams.kafka_writer.REQUEST_TIMEOUT_MS", 8_000)  # and that is how old
    connection = KafkaConnection(rig.kafka.bootstrap_servers, prefix="alone.")
    await place_on_one(connection, NUMBERS)
    log = await KafkaEventLog.open(connection, (NUMBERS,), database=rig.database, append_patience=1.0)
    standing = [message(f"before {n}", topic="numbers", key=str(n)) for n in range(10)]
    places = {one.partition: one_sent.key for one, one_sent in zip(await log.append(standing), standing, strict=True)}
    older, younger = (message(f"during {n}", topic="numbers", key=places[n]) for n in sorted(places)[:2])
    await rig.kafka.kill(OUTPUTS_BROKER)
    acknowledging = "did not acknowledge"
    with pytest.raises(Unavailable, match=acknowledging):
        await log.append([older])
    await asyncio.sleep(3)
    with pytest.raises(Unavailable, match=acknowledging):
        await log.append([younger])
    async with asyncio.timeout(60):
        while acknowledging in await _refusal(log, older):
            pass
    await rig.kafka.restart(OUTPUTS_BROKER)
    async with asyncio.timeout(60):
        for one in (older, younger):
            while await _refusal(log, one):
                await asyncio.sleep(0.1)
    assert await ids_on(log, "numbers") == sorted(one.id for one in (*standing, older, younger))
    await log.close()


async def test_inputs_wait_when_the_topic_of_the_outputs_cannot_be_written(rig: Rig) -> None:
    async with rig.traffic():
        await rig.answered(5)
        await rig.kafka.kill(OUTPUTS_BROKER)
        await rig.acknowledged(20)
        await asyncio.sleep(either(30, 3))
        await _inputs_wait(rig, 10)
        await rig.kafka.restart(OUTPUTS_BROKER)
        await rig.answered(20)
    await rig.check()


async def test_everything_goes_on_when_all_brokers_were_away(rig: Rig) -> None:
    """Whoever coordinates the groups is among them."""
    async with rig.traffic():
        await rig.answered(5)
        await asyncio.gather(*(rig.kafka.kill(number) for number in (1, 2, 3)))
        await asyncio.sleep(either(60, 6))
        await rig.kafka.start()
        rig.supervise()
        await rig.answered(10)
    await rig.check()


async def test_tables_catch_up_when_the_database_was_gone(rig: Rig) -> None:
    async with rig.traffic():
        await rig.answered(5)
        rig.postgres.kill()
        await asyncio.sleep(either(30, 5))
        rig.postgres.start()
        rig.supervise()
        await rig.answered(15)
    assert rig.projecting.process is not None
    assert rig.projecting.process.poll() is None, "it waits for its database, it does not end"
    await rig.check()


async def test_rebuild_is_the_same_when_traffic_goes_on(rig: Rig) -> None:
    async with rig.traffic():
        await rig.answered(5)
        rebuilt = await rebuild(rig.database.pool, rig.scene.log, PROJECTION, batch=20)
        await rig.answered(5)
    assert rebuilt.applied >= 40
    assert rebuilt.rows_hash is not None, "compared with the build before, and the same"
    await rig.check()


async def test_nothing_is_lost_when_everything_is_restarted_in_turn(rig: Rig) -> None:
    """Workers as static members: they come back under their names, and nobody else's partitions move meanwhile."""
    await rig.dismiss()
    names = ("one", "two")
    workers = {name: rig.work(name) for name in names}
    async with rig.traffic():
        for _ in range(either(3, 1)):
            for name in names:
                await rig.answered(5)
                if workers[name].process.poll() is None:  # a broker's restart may have ended it, with 70
                    workers[name].signal(signal.SIGTERM)
                    assert await workers[name].ended() == 0, rig.scene.outputs()
                workers[name] = rig.work(name)
            await rig.answered(10)
            assert await rig.projecting.end(signal.SIGTERM) == 0
            rig.projecting.start()
            for number in either((1, 2, 3), (random.choice((1, 2, 3)),)):
                await rig.kafka.shut_down(number)
                await rig.kafka.restart(number)
                async with rig.supervised():
                    await rig.answered(5)
    await rig.check()


async def test_inputs_are_outcomes_or_dead_letters_when_everything_dies_at_random(rig: Rig) -> None:
    """The soak."""
    dice = random.Random()
    await rig.dismiss()
    poison = range(rig.next + 5, rig.next + 20_000, 23)
    rig.behaviour = {"poison": frozenset(poison)}
    rig.supervise()
    end = asyncio.get_running_loop().time() + either(240, 20)
    async with rig.traffic(pause=0.02):
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(dice.uniform(1, 4))
            match dice.choice(("worker", "projection", "broker", "pause")):
                case "worker":
                    dice.choice(rig.alive).kill()
                case "projection":
                    await rig.projecting.end(signal.SIGKILL)
                    rig.projecting.start()
                case "broker":
                    number = dice.choice((1, 2, 3))
                    await rig.kafka.kill(number)
                    await rig.kafka.restart(number)
                case "pause":
                    paused = dice.choice(rig.alive)
                    paused.signal(signal.SIGSTOP)
                    await asyncio.sleep(dice.uniform(1, 10))
                    paused.signal(signal.SIGCONT)
            rig.supervise()
    await rig.check(within=300, dead=(number for number in poison if number < rig.next))


async def _refusal(log: KafkaEventLog, one: Message) -> str:
    """Why a message cannot be appended; nothing when it stands."""
    try:
        await log.append([one])
    except Unavailable as error:
        return str(error)
    return ""


async def _inputs_wait(rig: Rig, least: int) -> None:
    """Until so many inputs stand on the log that `answer` has not finished."""
    async with asyncio.timeout(60):
        while True:
            with suppress(Unavailable):  # whoever coordinates the group may have been on that broker
                held = await rig.scene.log.positions("answer", ["pings"])
                latest = await rig.scene.log.latest(["pings"])
                if sum(end - held.get(place, 0) for place, end in latest.items()) >= least:
                    return
            await asyncio.sleep(0.1)
