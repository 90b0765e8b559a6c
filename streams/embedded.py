"""The embedded runtime: every stage of the pipeline in this process, on a log that this machine holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from schemas.errors import SetupError, Unavailable
from streams.diversions import Backoff
from streams.lease import Lease, SoleProcess
from streams.log import EventLog
from streams.runner import Runner
from streams.stage_loop import Limits, StageLoop

log = structlog.get_logger(__name__)


class EmbeddedRuntime:
    """Runs stages until stopped. A stage that fails is started again from its positions; the process stays alive.

    `limits` by stage name override the default. Use as a context manager, or `start` and `stop`.
    """

    def __init__(
        self,
        event_log: EventLog,
        runners: Sequence[Runner],
        *,
        lease: Lease | None = None,
        limits: Mapping[str, Limits] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        names = [runner.stage.name for runner in runners]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SetupError(f"stages declared twice: {', '.join(sorted(twice))}")
        unknown = set(limits or ()) - set(names)
        if unknown:
            raise SetupError(f"limits for stages that do not exist: {', '.join(sorted(unknown))}")
        self._log = event_log
        self._runners = {runner.stage.name: runner for runner in runners}
        self._lease = lease or SoleProcess()
        self._limits = dict(limits or {})
        self._backoff = backoff or Backoff()
        self._loops: dict[str, StageLoop] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        # Never set: whatever fails is started again within the process.
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> EmbeddedRuntime:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin; returns at once. Stages wait for the log and for their lease by themselves."""
        for name in self._runners:
            self._tasks[name] = asyncio.get_running_loop().create_task(self._keep(name), name=f"stage-{name}")

    async def stop(self, grace: float = 10.0) -> None:
        """Finish or give back what the stages hold, within `grace` seconds. What is given back is done over later."""
        self._stopping.set()
        # The rest of the grace is for handlers that ignore their cancellation, and for the lease.
        await asyncio.gather(*(loop.stop(grace * 0.75) for loop in self._loops.values()))
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._lease.close()

    @property
    def halted(self) -> tuple[str, ...]:
        """Names of the stages that a run of dead letters halted."""
        return tuple(name for name, runner in self._runners.items() if runner.halted)

    def resume(self, stage: str) -> None:
        """Let a halted stage go on. Raises SetupError for an unknown one."""
        if stage not in self._runners:
            raise SetupError(f"there is no stage {stage}")
        self._runners[stage].resume()
        if stage in self._loops:
            self._loops[stage].resume()

    async def lag(self) -> dict[str, int]:
        """Events each stage has not finished; also brings the lag metric up to date. Raises Unavailable."""
        return {
            name: await (self._loops.get(name) or StageLoop(self._log, runner)).lag()
            for name, runner in self._runners.items()
        }

    async def wait_idle(self) -> None:
        """Until every stage has finished everything on its topics, retries included, or one has halted.

        Raises Unavailable.
        """
        quiet = 0
        # An output may land behind a stage that was already looked at, so quiet must be seen twice in a row.
        while quiet < 2 and not self.halted:
            behind = sum((await self.lag()).values())
            quiet = 0 if behind else quiet + 1
            await asyncio.sleep(0.01 if behind else 0)

    async def _keep(self, name: str) -> None:
        """Run a stage, and run it again when it fails or loses its lease."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._lease.acquire(name)
                loop = StageLoop(self._log, self._runners[name], limits=self._limits.get(name), backoff=self._backoff)
                self._loops[name] = loop
                await self._run(name, loop)
                failures = 0
            except Unavailable as error:
                log.warning("stage waits for the log", stage=name, reason=str(error)[:200])
            except Exception:
                log.exception("stage failed, it starts again from its positions", stage=name)
            await asyncio.sleep(self._backoff.outage_wait(failures, 1.0))
            failures += 1

    async def _run(self, name: str, loop: StageLoop) -> None:
        """Run a loop for as long as the lease is held."""
        task = asyncio.get_running_loop().create_task(loop.run())
        try:
            while self._lease.held(name):
                done, _ = await asyncio.wait([task], timeout=1.0)
                if done:
                    return task.result()
            log.warning("lease lost", stage=name)
            return None
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._lease.release(name)
