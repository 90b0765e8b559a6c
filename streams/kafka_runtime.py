"""The Kafka runtime: stages as workers of consumer groups, as many processes of each as one likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import structlog

from schemas.errors import SetupError, Unavailable, VaultraError
from streams import metrics
from streams.aiokafka_worker import AiokafkaWorker
from streams.deliveries import Deliveries
from streams.diversions import Backoff
from streams.faust_worker import FaustWorker
from streams.kafka_connection import KAFKA_ERRORS, KafkaConnection
from streams.kafka_group import GroupTimes
from streams.lag import behind, check_within, stage_lag
from streams.log import EventLog
from streams.retry_scheduler import RetryScheduler
from streams.runner import Runner
from streams.stage_loop import Limits
from streams.task_end import unforeseen
from streams.topics import due_topic
from streams.watchdog import Namesakes, Patience, Pulse, Watchdog

log = structlog.get_logger(__name__)

_TICK = 1.0
# Asking the brokers how far behind a stage is costs requests.
_LAG_EVERY = 10.0
# After this long an outage is a new one, and waited out as such.
_LONG_AT_WORK = 60.0
WorkerName = Literal["faust", "aiokafka"]
Worker = FaustWorker | AiokafkaWorker
WORKERS: Mapping[WorkerName, type[Worker]] = {"faust": FaustWorker, "aiokafka": AiokafkaWorker}
_OUTAGES: tuple[type[BaseException], ...] = (Unavailable, *KAFKA_ERRORS)


class WorkerStuck(VaultraError):
    """The watchdog's verdict: this process must end and be started again."""


class KafkaRuntime:
    """Runs stages until stopped, each as one member of its group. Use as a context manager, or `start` and `stop`.

    What no waiting mends within this process is the result of `failure`: the process must end then (exit code 70) and
    be started again; positions and outputs on the log stay right. A stage that halts leaves its group and waits for
    `resume` or a restart. `backoff.steps` are the delays of the retry topics.
    """

    def __init__(
        self,
        event_log: EventLog,
        connection: KafkaConnection,
        runners: Sequence[Runner],
        *,
        backoff: Backoff,
        limits: Mapping[str, Limits] | None = None,
        times: GroupTimes | None = None,
        instance: str = "",
        worker: WorkerName = "faust",
    ) -> None:
        names = [runner.stage.name for runner in runners]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SetupError(f"stages declared twice: {', '.join(sorted(twice))}")
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = event_log
        self._connection = connection
        self._runners = {runner.stage.name: runner for runner in runners}
        self._backoff = backoff
        self._limits = dict(limits or {})
        self._times = times or GroupTimes()
        self._instance = instance
        self._make_worker = WORKERS[worker]
        self._resumed = {name: asyncio.Event() for name in names}
        self._tasks: list[asyncio.Task[None]] = []
        self._grace = 10.0

    async def __aenter__(self) -> KafkaRuntime:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin; returns at once. Stages wait for the brokers by themselves."""
        loop = asyncio.get_running_loop()
        for name in self._runners:
            scheduler = RetryScheduler(self._log, self._connection, name, backoff=self._backoff, times=self._times)
            self._tasks += [
                loop.create_task(self._keep(name), name=f"stage-{name}"),
                loop.create_task(scheduler.run(), name=f"retries-{name}"),
            ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self, grace: float = 10.0) -> None:
        """Finish or give back what the stages hold, within `grace` seconds, commit, and leave the groups."""
        self._grace = grace
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.failure.cancel()

    @property
    def halted(self) -> tuple[str, ...]:
        """Names of the stages that a run of dead letters halted in this process."""
        return tuple(name for name, runner in self._runners.items() if runner.halted)

    def resume(self, stage: str) -> None:
        """Let a halted stage go on. Raises SetupError for an unknown one."""
        if stage not in self._runners:
            raise SetupError(f"there is no stage {stage}")
        self._runners[stage].resume()
        self._resumed[stage].set()

    async def lag(self) -> dict[str, int]:
        """Events each stage has not finished, those of other workers included. Raises Unavailable."""
        found = await asyncio.gather(*(self._lag_of(name) for name in self._runners))
        return dict(zip(self._runners, found, strict=True))

    async def wait_idle(self) -> None:
        """Until every stage has finished and committed everything on its topics. Raises Unavailable."""
        quiet = 0
        while quiet < 2:
            behind = sum((await self.lag()).values())
            quiet = 0 if behind else quiet + 1
            await asyncio.sleep(0.05)

    async def _lag_of(self, name: str) -> int:
        lag = await stage_lag(self._log, name, self._runners[name].topics, on_kafka=True)
        metrics.LAG.labels(name).set(lag)
        return lag

    async def _behind(self, name: str) -> int:
        """Events that could be worked on now."""
        return await behind(self._log, name, [*self._runners[name].topics, due_topic(name).name])

    async def _keep(self, name: str) -> None:
        """Run one stage; again after a halt, never after a failure."""
        outages = 0
        while True:
            began = time.monotonic()
            try:
                await self._connection.reach()
                await self._work(name)
                outages = 0
                log.error("stage halted, it left its group", stage=name)
                await self._resumed[name].wait()
                self._resumed[name].clear()
            except _OUTAGES as error:
                if time.monotonic() - began > _LONG_AT_WORK:
                    outages = 0
                log.warning("stage waits for Kafka", stage=name, reason=str(error)[:200])
                await asyncio.sleep(self._backoff.outage_wait(outages, 1.0))
                outages += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that ends by itself cannot go on in this process."""
        if (error := unforeseen(task)) is not None and not self.failure.done():
            self.failure.set_exception(error)

    async def _work(self, name: str) -> None:
        """Be a member of the stage's group until the stage halts. Raises what must end the process."""
        runner = self._runners[name]
        concurrency = self._limits.get(name, Limits()).concurrency
        deliveries = Deliveries(self._log, runner, concurrency=concurrency, backoff=self._backoff)
        await check_within(self._log, name, deliveries.topics)
        instance = f"{self._instance}.{name}" if self._instance else ""
        worker = self._make_worker(deliveries, self._connection, times=self._times, instance=instance)
        watching = asyncio.get_running_loop().create_task(self._watch(deliveries, worker))
        watching.add_done_callback(partial(_unwatched, deliveries))
        halting = asyncio.get_running_loop().create_task(deliveries.halted.wait())
        try:
            await worker.start()
            ends: list[asyncio.Future[Any]] = [deliveries.failure, halting]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if deliveries.failure.done():
                deliveries.failure.result()
        finally:
            watching.cancel()
            halting.cancel()
            await worker.stop(self._grace)
            deliveries.failure.cancel()

    async def _watch(self, deliveries: Deliveries, worker: Worker) -> None:
        """Judge the worker every second, and give work back when a rebalance cannot wait for it any longer."""
        times, stage = self._times, deliveries.runner.stage
        watchdog = Watchdog(Patience.of(rebalance=times.rebalance, handler=stage.timeout, beyond=times.patience))
        namesakes = Namesakes()
        lag: int | None = None
        lag_at = 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if self._instance and namesakes.seen(worker.member, now):
                deliveries.fail(
                    SetupError(
                        f"stage {stage.name}: another process works as VAULTRA_KAFKA__INSTANCE={self._instance}; "
                        "every process needs a name of its own"
                    )
                )
                return
            if now - lag_at >= _LAG_EVERY:
                lag, lag_at = await self._lag_or_none(stage.name), now
            pulse = Pulse(worker.generation, worker.rebalancing, lag, deliveries.last_activity)
            reason = watchdog.verdict(pulse, now)
            if reason is not None:
                deliveries.fail(WorkerStuck(f"stage {stage.name}: {reason}"))
                return
            if deliveries.running and watchdog.rebalancing_for(now) > times.rebalance - times.grace:
                log.warning("work is given back, others wait for the rebalance", stage=stage.name)
                deliveries.give_back()

    async def _lag_or_none(self, name: str) -> int | None:
        try:
            return await self._behind(name)
        except Unavailable:
            return None


def _unwatched(deliveries: Deliveries, watching: asyncio.Task[None]) -> None:
    """Nobody judges the worker any more: then it must not go on."""
    if not watching.cancelled() and (error := watching.exception()) is not None:
        deliveries.fail(error)
