"""Everything at once, for faults of what stages stand on: three brokers, a PostgreSQL, two workers, a projection.

async with Rig.running(folder) as rig:
    async with rig.traffic():
        await rig.kafka.kill(2)
        await rig.acknowledged(20)
        await rig.kafka.restart(2)
    await rig.check()
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka.admin import NewTopic

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from projections.runner import ProjectionRunner
from projections.writing import table_hash
from schemas.errors import Unavailable
from streams.dead_letters import list_letters
from streams.kafka_connection import KafkaConnection
from streams.kafka_topics import administering, create, topic_settings
from streams.topics import Topic
from tests.adapters.postgres_by_url import OwnPostgres, installed, own_postgres
from tests.kafka import scene as scenes
from tests.kafka.scene import PROJECT, Scene, Worker
from tests.kafka.stages import PROJECTION, TOPICS

# The broker that alone holds the outputs of `answer`, so that these can be away while everything else is there.
OUTPUTS_BROKER = 3
_PREFIX = "faults."
# The shortest that a broker takes as it comes; a paused worker loses its partitions within this.
SESSION = {"session": 6.0, "rebalance": 12.0}


class Projecting:
    """The projection's process; started again as often as a test likes."""

    def __init__(self, arguments: tuple[str, ...], output: Path) -> None:
        self._arguments = arguments
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.projecting", *self._arguments],
                cwd=PROJECT,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    async def end(self, number: signal.Signals) -> int:
        """Send a signal that ends it, and wait; the exit code, negative for a signal."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, 60)


class Rig:
    """See the module. Numbers are fed once each and count as acknowledged when the log has said so."""

    def __init__(self, kafka: KafkaCluster, postgres: OwnPostgres, database: Database, scene: Scene, url: str) -> None:
        self.kafka = kafka
        self.postgres = postgres
        self.database = database
        self.scene = scene
        connection = scene.connection
        self.projecting = Projecting(
            (connection.bootstrap_servers, connection.prefix, url), scene.folder / "projecting.log"
        )
        # What workers that start from now on do.
        self.behaviour: dict[str, Any] = {}
        self.next = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Rig]:
        """The cluster with its topics, the database, and nothing at work yet."""
        folder.mkdir(parents=True, exist_ok=True)
        async with KafkaCluster.running(folder / "kafka", brokers=3) as kafka:
            connection = KafkaConnection(kafka.bootstrap_servers, prefix=_PREFIX)
            await place_on_one(connection, next(topic for topic in TOPICS if topic.name == "pongs"))
            await create(connection, TOPICS, copies=3)
            with own_postgres(installed()["16"], folder / "postgres") as postgres:
                database = await Database.open(url=postgres.url("postgres"))
                # Everybody claims ids, as in production.
                told = {**SESSION, "database": postgres.url("postgres")}
                async with Scene.on(kafka, _PREFIX, folder, claims=database, config=told) as scene:
                    rig = cls(kafka, postgres, database, scene, postgres.url("postgres"))
                    try:
                        yield rig
                    finally:
                        if rig.projecting.process is not None and rig.projecting.process.poll() is None:
                            await rig.projecting.end(signal.SIGKILL)
                await database.close()

    def work(self, instance: str = "") -> Worker:
        """One more worker; with a name it is a static member of its groups."""
        return self.scene.start(config={"instance": instance}, **self.behaviour)

    def supervise(self) -> None:
        """Start anew what ended by itself, as a supervisor does: where no broker answers, and a worker with 70."""
        while len(self.alive) < 2:
            self.work()
        if self.projecting.process is not None:
            self.projecting.start()

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Two workers for as long as the block lasts."""

        async def look() -> None:
            while True:
                self.supervise()
                await asyncio.sleep(0.2)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()

    async def dismiss(self) -> None:
        """Let every worker end in order."""
        for worker in self.alive:
            worker.signal(signal.SIGTERM)
            # One that has only just been started knows no signals yet.
            assert await worker.ended() in (0, -signal.SIGTERM)

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.scene.workers if worker.process.poll() is None]

    @asynccontextmanager
    async def traffic(self, pause: float = 0.05) -> AsyncIterator[None]:
        """Inputs one after the other for as long as the block lasts; what is refused is sent again until it stands."""
        stop = asyncio.Event()

        async def feed() -> None:
            while not stop.is_set():
                number, self.next = self.next, self.next + 1
                await self.feed_one(number)
                await asyncio.sleep(pause)

        feeding = asyncio.create_task(feed())
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(feeding, 120)

    async def feed_one(self, number: int) -> None:
        while True:
            try:
                return await self.scene.feed([number])
            except Unavailable:
                await asyncio.sleep(0.1)

    async def feed(self, count: int) -> None:
        """So many inputs at once."""
        numbers = range(self.next, self.next + count)
        self.next += count
        await self.scene.feed(numbers)

    async def acknowledged(self, more: int, within: float = 180.0) -> None:
        """Until the log has taken so many more inputs."""
        wanted = len(self.scene.inputs) + more
        async with asyncio.timeout(within):
            while len(self.scene.inputs) < wanted:
                await asyncio.sleep(0.02)

    async def answered(self, more: int, within: float = 180.0) -> None:
        """Until workers have done so many more deliveries."""
        wanted = self._done() + more
        async with asyncio.timeout(within):
            while self._done() < wanted:
                await asyncio.sleep(0.05)

    def _done(self) -> int:
        return self.scene.behaviour.notes.read_text().count("done ")

    async def check(self, within: float = 180.0, *, dead: Iterable[int] = ()) -> None:
        """Every acknowledged input has exactly one final outcome; the tables are those of an undisturbed run."""
        scene = self.scene
        lagging = ProjectionRunner(self.database.pool, scene.log, [PROJECTION])
        async with self.supervised():
            await scene.settled(within)
            async with asyncio.timeout(within):
                while (await lagging.lag())[PROJECTION.name]:
                    await asyncio.sleep(0.05)
        given_up = frozenset(dead)
        letters = {letter.event_id for letter in await list_letters(scene.log, "answer")}
        assert letters == {f"ping-{number}" for number in given_up}
        undisturbed = await scene.undisturbed(poison=given_up)
        expected = Counter(scenes._identity(record) for record in undisturbed)
        outcomes = 2 * (len(scene.inputs) - len(letters)) + len(letters)
        assert len(expected) == outcomes, "an answer and what is told of it, or that it is lost"
        assert {scenes._identity(record) for record in await scene._outcomes(scene.log)} == set(expected)
        assert await table_hash(self.database.pool, PROJECTION) == await scenes._hash_of(self.database, undisturbed)


async def place_on_one(connection: KafkaConnection, topic: Topic) -> None:
    """Make a topic that one broker alone holds."""
    places = {number: [OUTPUTS_BROKER] for number in range(topic.partitions)}
    async with administering(connection) as admin:
        made = await admin.create_topics(
            [NewTopic(connection.topic(topic.name), -1, -1, places, topic_settings(topic, copies=1))]
        )
        assert all(not error for _, error, *_ in made.topic_errors), made
