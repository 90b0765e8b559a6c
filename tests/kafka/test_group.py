"""Workers come, go, stand by and are taken for one another: the group's members change, and nothing else does."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import create
from tests.kafka.length import FULL, either
from tests.kafka.scene import Scene
from tests.kafka.stages import SHAPES

pytestmark = pytest.mark.timeout(1200 if FULL else 300)


async def test_standby_begins_at_the_first_event_not_committed_when_it_takes_over(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    """Three workers on one partition: the one at work is killed in the middle, again and again."""
    times = either(50, 2)
    slow = [10 * turn + 5 for turn in range(times)]
    config = {"shape": "narrow", "session": 1.5, "database": database.dsn}
    async with Scene.on(kafka, prefix, tmp_path, config=config) as scene:
        workers = [scene.start(seconds=dict.fromkeys(slow, 1.5)) for _ in range(3)]
        for turn, number in enumerate(slow):
            await scene.feed(range(10 * turn, 10 * turn + 10), keys=1)
            await scene.noted(f"begin {number}")
            at_work = next(worker for worker in workers if worker.process.pid == begun(scene)[-1][1])
            at_work.kill()
            await scene.noted(f"begin {number}", times=2)
            (first, _), *_ = [(n, pid) for n, pid in begun(scene) if pid == begun(scene)[-1][1] and n >= 10 * turn]
            assert first <= number, "it left out what the killed one had not committed"
            workers = [worker for worker in workers if worker.process.poll() is None]
            workers += [scene.start(seconds=dict.fromkeys(slow, 1.5)) for _ in range(3 - len(workers))]
        await scene.settled()
        await scene.check(database)


async def test_every_input_has_one_outcome_when_one_worker_becomes_three_and_one_again(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    length = either(20.0, 2.0)
    config = {"rebalance": 4 * length, "handler": 4 * length, "grace": 4 * length}
    async with Scene.on(kafka, prefix, tmp_path, config=config) as scene:
        await scene.feed(range(8), keys=8)
        long = {"seconds": dict.fromkeys(range(32), length)}
        scene.start(**long)
        await scene.noted("begin 0")
        others = [scene.start(**long) for _ in range(2)]
        await asyncio.gather(*(scene.noted_by(other, "started") for other in others))
        await scene.feed(range(8, 32), keys=24)
        await asyncio.gather(*(scene.noted_by(other, "begin", within=90 + 4 * length) for other in others))
        for other in others:
            other.signal(signal.SIGTERM)
        assert [await other.ended(within=60 + 4 * length) for other in others] == [0, 0], scene.outputs()
        await scene.settled(within=120 + 12 * length)
        await scene.check(database)


async def test_worker_ends_when_it_is_told_to_while_it_joins(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    config = {"rebalance": 300.0, "handler": 300.0}
    async with Scene.on(kafka, prefix, tmp_path, config=config) as scene:
        await scene.feed(range(20))
        busy = scene.start(seconds={3: 290.0})
        await scene.noted("begin 3")
        joining = scene.start()
        # It cannot be given partitions before the handler of ping 3 is done.
        await scene.group_is("answer", "PreparingRebalance")
        assert joining.process.poll() is None
        joining.signal(signal.SIGTERM)
        assert await joining.ended() == 0, scene.outputs()
        busy.kill()
        scene.start()
        await scene.feed(range(20, 40))
        await scene.settled()
        await scene.check(database)


async def test_work_goes_on_when_buffers_are_full_for_long(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(100), keys=1)
        scene.start(seconds={3: either(60.0, 8.0)}, config={"handler": 90.0})
        await scene.settled()
        assert scene.count("begin 3") == 1
        await scene.check(database)


async def test_process_ends_and_another_goes_on_when_the_group_was_left_for_good(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    """Buffers full for longer than aiokafka's limit, which the product sets to a month."""
    limits = {"poll": 3.0, "patience": 1.0, "rebalance": 4.0, "handler": 120.0}
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(100), keys=1)
        stuck = scene.start(seconds={3: 110.0}, config=limits)
        assert await stuck.ended(within=150) == 70, scene.outputs()
        assert "no member of its group" in stuck.output.read_text()
        scene.start()
        await scene.settled()
        await scene.check(database)


async def test_worker_ends_and_says_why_when_another_bears_its_name(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    """Whichever of the two, or both; a supervisor starts it again, and somebody mends the names."""
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(20))
        alike = [scene.start(config={"instance": "one"}, seconds={3: 5.0}) for _ in range(2)]
        ending = [asyncio.create_task(each.ended(within=150)) for each in alike]
        first, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        assert {each.result() for each in first} == {70}, scene.outputs()
        assert any("works as VAULTRA_KAFKA__INSTANCE=one" in each.output.read_text() for each in alike)
        for each in alike:
            each.kill()
        await asyncio.gather(*ending)
        scene.start(config={"instance": "one"})
        scene.start(config={"instance": "two"})
        await scene.feed(range(20, 40))
        await scene.settled()
        await scene.check(database)


async def test_work_goes_on_when_partitions_are_added(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    """As docs/OPERATIONS.md has it: writers stop, stages finish, partitions are added, the new version starts."""
    async with Scene.on(kafka, prefix, tmp_path, claims=database, config={"database": database.dsn}) as scene:
        old = scene.start()
        await scene.feed(range(30), keys=30)
        await scene.settled()
        await create(scene.connection, SHAPES["widened"], add_partitions=True)
        await scene.log.close()
        scene.log = await KafkaEventLog.open(scene.connection, SHAPES["widened"], database=database)
        scene.start(config={"shape": "widened"})
        await scene.feed(range(30, 90), keys=60)
        ends = {place.partition: end for place, end in (await scene.log.latest(["pings"])).items()}
        assert ends[4]
        assert ends[5]
        old.signal(signal.SIGTERM)
        assert await old.ended() == 0
        await scene.settled()
        await scene.check(database)


def begun(scene: Scene) -> list[tuple[int, int]]:
    """Numbers of the deliveries begun and the process that did, in order."""
    lines = [line.split() for line in scene.behaviour.notes.read_text().splitlines()]
    return [(int(line[1]), int(line[2])) for line in lines if line[0] == "begin"]
