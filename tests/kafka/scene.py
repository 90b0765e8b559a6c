"""A stage of the Kafka runtime under disturbance: worker processes are started, fed, disturbed, and judged.

async with Scene.on(kafka, prefix, folder) as scene:
    worker = scene.start()
    await scene.feed(range(20))
    await scene.noted("begin 3")
    worker.kill()
    scene.start()
    await scene.settled()
    await scene.check(database)
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from projections import builds
from projections.applying import commit, fold
from projections.runner import ProjectionRunner
from projections.writing import table_hash
from schemas.wire import Message
from streams.dead_letters import list_letters
from streams.embedded import EmbeddedRuntime
from streams.kafka_connection import KafkaConnection
from streams.kafka_group import scheduler_group
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import administering, create
from streams.log import EventLog, Record
from streams.memory_log import MemoryEventLog
from streams.runner import Runner
from streams.topics import due_topic, long_retry_topic, retry_topic
from tests.kafka.stages import PROJECTION, SHAPES, STAGES, TOPICS, Behaviour, make_stages
from tests.kafka.worker import WorkerConfig
from tests.streams.stage_kit import QUICK, Lost, all_of, ping

PROJECT = Path(__file__).parents[2]


class Worker:
    """A worker process, where nobody can write, as in a container that is read-only. Its log is in `output`."""

    def __init__(self, config: WorkerConfig, output: Path) -> None:
        self.output = output
        with output.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.worker", config.model_dump_json()],
                cwd="/proc",
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()

    async def ended(self, within: float = 60.0) -> int:
        """The exit code, negative for a signal."""
        return await asyncio.to_thread(self.process.wait, within)


class Scene:
    """A cluster, topics of its own, and the workers on them."""

    def __init__(self, connection: KafkaConnection, log: EventLog, folder: Path, config: Mapping[str, Any]) -> None:
        self._config = config
        self.connection = connection
        self.log = log
        self.folder = folder
        self.inputs: list[Message] = []
        self.workers: list[Worker] = []
        self.behaviour = Behaviour(notes=folder / "notes", marker=folder / "died")
        self.behaviour.notes.touch()
        # Which worker fetches; a test that runs on each of them sets it.
        self.fetched_by = "faust"

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        kafka: KafkaCluster,
        prefix: str,
        folder: Path,
        *,
        claims: Database | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Scene]:
        """Topics are made; in the end every worker is gone.

        With `claims` the inputs' ids are claimed, as the API does it. `config` is what every worker is told.
        """
        connection = KafkaConnection(kafka.bootstrap_servers, prefix=prefix)
        topics = SHAPES[(config or {}).get("shape", "declared")]
        await create(connection, topics)
        log = await KafkaEventLog.open(connection, topics, database=claims)
        scene = cls(connection, log, folder, config or {})
        try:
            yield scene
        finally:
            for worker in scene.workers:
                worker.process.kill()
                await worker.ended()
            await scene.log.close()

    def start(self, *, config: dict[str, Any] | None = None, **behaviour: Any) -> Worker:
        """Start a worker; keywords change its behaviour, `config` what else it is told."""
        told = WorkerConfig(
            bootstrap_servers=self.connection.bootstrap_servers,
            prefix=self.connection.prefix,
            behaviour=self.behaviour.model_copy(update=behaviour),
            **{"worker": self.fetched_by, **self._config, **(config or {})},
        )
        worker = Worker(told, self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    async def feed(self, numbers: Iterable[int], *, keys: int = 8) -> None:
        """Append pings; acknowledged when this returns."""
        await self.append([ping(number, f"job-{number % keys}") for number in numbers])

    async def append(self, inputs: Sequence[Message]) -> None:
        """Append inputs; acknowledged when this returns."""
        await self.log.append(inputs)
        self.inputs += inputs

    async def noted(self, line: str, times: int = 1, within: float = 90.0) -> None:
        """Until a worker has noted a line so often."""
        async with asyncio.timeout(within):
            while self.count(line) < times:
                self._check_alive()
                await asyncio.sleep(0.02)

    async def noted_by(self, worker: Worker, word: str, within: float = 90.0) -> None:
        """Until this worker has noted a line that begins with the word."""
        async with asyncio.timeout(within):
            while not any(
                line.startswith(f"{word} ") and line.endswith(f" {worker.process.pid}")
                for line in self.behaviour.notes.read_text().splitlines()
            ):
                self._check_alive()
                await asyncio.sleep(0.02)

    async def group_is(self, stage: str, state: str, within: float = 60.0) -> None:
        """Until the brokers say so of a stage's consumer group."""
        async with asyncio.timeout(within), administering(self.connection) as admin:
            group = self.connection.group(stage)
            while (await admin.describe_consumer_groups([group]))[0].groups[0][2] != state:
                await asyncio.sleep(0.05)

    async def appended_but_behind(self, number: int, within: float = 60.0) -> None:
        """Until all outcomes stand but those of the ping with this number and of what is behind it on its partition."""
        pings = await all_of(self.log, "pings")
        (held,) = (record for record in pings if record.attributes["id"] == f"ping-{number}")
        behind = sum(record.partition == held.partition and record.offset >= held.offset for record in pings)
        async with asyncio.timeout(within):
            for topic in ("pongs", "tolds"):
                while sum((await self.log.latest([topic])).values()) < len(pings) - behind:
                    await asyncio.sleep(0.01)

    async def logged(self, worker: Worker, words: str, within: float = 90.0) -> None:
        """Until a worker's log says something."""
        async with asyncio.timeout(within):
            while words not in worker.output.read_text():
                self._check_alive()
                await asyncio.sleep(0.02)

    def count(self, line: str) -> int:
        """How often a line was noted, by whomever."""
        noted = self.behaviour.notes.read_text().splitlines()
        return sum(each.rpartition(" ")[0] == line for each in noted)

    async def settled(self, within: float = 120.0) -> None:
        """Until every input has its outcome and every position is committed: the final lag is 0."""
        try:
            async with asyncio.timeout(within):
                quiet = 0
                while quiet < 2:
                    quiet = quiet + 1 if await self.lag() == 0 else 0
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not settled: {await self.lags()}\n{self.outputs()}") from None

    async def lag(self) -> int:
        return sum((await self.lags()).values())

    async def lags(self) -> dict[str, int]:
        """By group and topic."""
        found = {}
        for stage, source in zip(STAGES, ("pings", "pongs"), strict=True):
            waiting = (retry_topic(stage).name, long_retry_topic(stage).name)
            for group, topics in ((stage, (source, due_topic(stage).name)), (scheduler_group(stage), waiting)):
                held, latest = await self.log.positions(group, topics), await self.log.latest(topics)
                for topic in topics:
                    found[f"{group} {topic}"] = sum(
                        end - held.get(place, 0) for place, end in latest.items() if place.topic == topic
                    )
        return found

    async def check(
        self,
        database: Database,
        *,
        dead: Iterable[int] = (),
        replayed: Iterable[int] = (),
        letters: Sequence[str | None] | None = None,
        handler: float = 30.0,
        **behaviour: Any,
    ) -> None:
        """Every acknowledged input has exactly one final outcome; tables are those of an undisturbed run.

        `dead` are the numbers of pings that were given up, for being poison unless `behaviour` and the time-out
        `handler` say otherwise; `replayed` are others that were given up first. `letters` are ids a test has looked at.
        """
        given_up = sorted([*dead, *replayed])
        found_dead = [letter.event_id for letter in await list_letters(self.log, "answer")]
        expected_dead = [f"ping-{number}" for number in given_up] if letters is None else letters
        assert sorted(map(str, found_dead)) == sorted(map(str, expected_dead))
        undisturbed = await self.undisturbed(handler, **(behaviour or {"poison": frozenset(dead)}))
        if first_lost := frozenset(replayed):
            lost = await self.undisturbed(poison=first_lost)
            undisturbed += [record for record in lost if record.attributes["type"] == Lost.TYPE]
        expected = Counter(_identity(record) for record in undisturbed)
        found = {_identity(record) for record in await self._outcomes(self.log)}
        assert found == set(expected)
        assert max(expected.values(), default=1) == 1
        projecting = ProjectionRunner(database.pool, self.log, [PROJECTION])
        await projecting.start()
        try:
            assert await projecting.caught_up(within=30)
        finally:
            await projecting.stop()
        assert await table_hash(database.pool, PROJECTION) == await _hash_of(database, undisturbed)

    async def undisturbed(self, handler: float = 30.0, **behaviour: Any) -> list[Record]:
        """What comes of the same inputs where nothing happens."""
        log = MemoryEventLog(TOPICS)
        stages = make_stages(Behaviour(notes=self.folder / "undisturbed", **behaviour), handler)
        runners = [Runner(declared, {}, topics=TOPICS, backoff=QUICK, halt_after=10_000) for declared in stages]
        await log.append(self.inputs)
        async with EmbeddedRuntime(log, runners, backoff=QUICK) as runtime:
            await runtime.wait_idle()
        return await self._outcomes(log)

    async def _outcomes(self, log: EventLog) -> list[Record]:
        return [record for topic in PROJECTION.topics for record in await all_of(log, topic)]

    def outputs(self) -> str:
        """The last lines of every worker's log, for a test that failed."""
        return "\n".join(
            f"--- worker {number}, exit {worker.process.poll()}\n{worker.output.read_text()[-3000:]}"
            for number, worker in enumerate(self.workers)
        )

    def _check_alive(self) -> None:
        if self.workers and all(worker.process.poll() is not None for worker in self.workers):
            raise AssertionError(f"no worker is left\n{self.outputs()}")


def _identity(record: Record | Message) -> tuple[str, str]:
    return record.topic, record.attributes["id"]


async def _hash_of(database: Database, records: Sequence[Record]) -> str:
    """The hash of the projection's rows of these records, in a build of their own."""
    async with database.pool.acquire() as connection, connection.transaction():
        build = await builds.create(connection, PROJECTION)
    places = {(record.topic, record.partition) for record in records}
    positions = await builds.positions(database.pool, build, dict.fromkeys(places, 0))
    await commit(database.pool, PROJECTION, build, fold(PROJECTION, records), positions)
    found = await table_hash(database.pool, PROJECTION, build.schema)
    async with database.pool.acquire() as connection, connection.transaction():
        await builds.drop(connection, build)
    return found
