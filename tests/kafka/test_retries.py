"""Retries, dead letters, the halt and the way back, on a real broker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from streams.dead_letters import group_by_cause, list_letters, replay
from tests.kafka.scene import Scene
from tests.streams.stage_kit import all_of

pytestmark = pytest.mark.timeout(300)


async def test_delivery_comes_back_from_both_retry_topics_when_it_is_put_off(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(10))
        scene.start(later={3: 3, 4: 2})
        await scene.settled()
        assert (scene.count("begin 3"), scene.count("begin 4")) == (4, 3)
        waited = {topic: len(await all_of(scene.log, f"answer.{topic}")) for topic in ("retry", "retry-long", "due")}
        assert waited == {"retry": 2, "retry-long": 1, "due": 3}
        await scene.check(database)


async def test_delivery_is_given_up_when_it_takes_too_long_or_its_output_is_too_large(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(20))
        bad = {"seconds": {3: 60.0}, "huge": frozenset({5})}
        scene.start(config={"handler": 0.5, "steps": (0.2, 0.4)}, **bad)
        await scene.settled()
        assert scene.count("done 3") == 0
        assert scene.count("begin 3") > 1, "a time-out is tried again"
        await scene.check(database, dead=(3, 5), handler=0.5, **bad)


async def test_poison_becomes_a_dead_letter_between_good_ones(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(30))
        scene.start(poison=frozenset({4, 11, 12}))
        await scene.settled()
        (group,) = await group_by_cause(scene.log, "answer")
        assert sorted(letter.event_id for letter in group.letters) == ["ping-11", "ping-12", "ping-4"]
        await scene.check(database, dead=(4, 11, 12))


async def test_halted_stage_keeps_its_events_and_goes_on_when_it_is_mended_and_replayed(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        mended = tmp_path / "mended"
        broken = {"poison": frozenset(range(40)), "mended": mended}
        await scene.feed(range(40), keys=1)
        halted = scene.start(config={"halt_after": 5}, **broken)
        await scene.logged(halted, "stage halted, it left its group")
        assert len(await list_letters(scene.log, "answer")) == 5
        assert halted.process.poll() is None, "a supervisor must not start it again at once"
        mended.touch()
        halted.kill()
        scene.start(**broken)
        letters = await list_letters(scene.log, "answer")
        assert await replay(scene.log, letters, datetime.now(UTC)) == 5
        await scene.settled()
        done = [line.split()[1] for line in scene.behaviour.notes.read_text().splitlines() if line.startswith("done")]
        assert sorted(map(int, done)) == list(range(40))
        replayed = [int(number) for number in done if int(number) < 5]
        assert replayed == sorted(replayed), "a replay keeps the order of a key"
        await scene.check(database, replayed=range(5))
