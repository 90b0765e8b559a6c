"""Workers are stopped, paused and joined by others while they work: every input keeps its one outcome."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from tests.kafka.length import either
from tests.kafka.scene import Scene
from tests.streams.stage_kit import ids_on

pytestmark = [pytest.mark.timeout(300), pytest.mark.parametrize("worker", ["faust", "aiokafka"])]


async def test_work_is_finished_and_committed_when_the_grace_is_long_enough(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(10))
        leaving = scene.start(seconds={5: 2.0}, config={"grace": 20.0, "commit": 30.0})
        await scene.noted("begin 5")
        leaving.signal(signal.SIGTERM)
        assert await leaving.ended() == 0, scene.outputs()
        assert scene.count("done 5") == 1
        scene.start()
        await scene.settled()
        assert scene.count("begin 5") == 1
        await scene.check(database)


async def test_work_is_given_back_when_the_grace_is_too_short(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(10))
        leaving = scene.start(seconds={5: 60.0}, config={"handler": 120.0})
        await scene.noted("begin 5")
        asked = time.monotonic()
        leaving.signal(signal.SIGTERM)
        assert await leaving.ended() == 0, scene.outputs()
        assert time.monotonic() - asked < 15
        scene.start()
        await scene.settled()
        assert (scene.count("begin 5"), scene.count("done 5")) == (2, 1)
        await scene.check(database)


async def test_nothing_doubles_when_a_paused_worker_wakes_after_its_partitions_went(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    """Its claims stay its own, for it lives: what it appended and did not note is found by whoever does it over."""
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(20))
        claimed = {"database": database.dsn}
        paused = scene.start(seconds={3: 8.0}, config=claimed)
        await scene.noted("begin 3")
        await scene.appended_but_behind(3)  # an id that is claimed and not yet sent would wait for it to wake or die
        paused.signal(signal.SIGSTOP)
        scene.start(config=claimed)
        await scene.settled()
        paused.signal(signal.SIGCONT)
        await scene.noted("done 3", times=2)
        await scene.feed(range(20, 40))
        await scene.settled()
        assert Counter(await ids_on(scene.log, "pongs")).most_common(1)[0][1] == 1
        await scene.check(database)


async def test_work_is_done_once_when_another_worker_joins_and_it_takes_longer_than_the_session(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(20))
        patient = {"rebalance": 90.0, "handler": 90.0}
        scene.start(seconds={3: either(60.0, 5.0)}, config=patient)
        await scene.noted("begin 3")
        scene.start(config=patient)
        await scene.feed(range(20, 60))
        await scene.settled()
        assert scene.count("begin 3") == 1
        await scene.check(database)


async def test_work_is_given_back_when_it_takes_longer_than_a_rebalance_may_wait(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(20))
        joined = {"rebalance": 4.0, "handler": 300.0}
        scene.start(seconds={3: 240.0}, config=joined)
        await scene.noted("begin 3")
        # Whoever does it over is quick: the first worker no longer, for its partition may come back to it.
        scene.start(config=joined)
        await scene.noted("begin 3", times=2, within=150.0)
        scene.workers[0].kill()
        await scene.settled()
        await scene.check(database)
