"""A worker is killed at each step of a delivery: another does it over, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from tests.kafka.scene import Scene
from tests.kafka.stages import POINTS

pytestmark = pytest.mark.timeout(300)


CASES = [*(("faust", point) for point in POINTS), ("aiokafka", "mid-work"), ("aiokafka", "before commit")]


@pytest.mark.parametrize(("worker", "point"), CASES)
async def test_every_input_has_one_outcome_when_a_worker_is_killed(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str, point: str
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        scene.fetched_by = worker
        await scene.feed(range(30))
        # As in production: the ids that a killed worker had claimed must not keep another from its work.
        claimed = {"database": database.dsn}
        doomed = scene.start(dies=(point, 7), seconds={7: 0.2}, config={"commit": 30.0, **claimed})
        assert await doomed.ended() == -9, scene.outputs()
        scene.start(config=claimed)
        await scene.feed(range(30, 40))
        await scene.settled()
        assert scene.count("begin 7") == 2, "the delivery that was under way is done over"
        await scene.check(database)
