"""The port `SandboxRunner` over any backend: queues runs, cancels them, and says clearly when none is possible."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from adapters.ports import SandboxOutcome, SandboxRunner
from sandbox.backend import Capabilities, Progress, SandboxBackend, silent
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.runnable import NotRunnable, check_environment, check_inputs, text_of
from schemas.analyses import ExecutionReason, ExecutionResult
from schemas.errors import SandboxUnavailable

# What a program of ours or a model's is most likely to import; 43 MiB of memory in a box that waits.
PRELOAD = ("numpy", "pandas")
_RETRY = 30.0  # s before a machine that could not is asked again


class PooledSandbox(SandboxRunner):
    """Runs programs in boxes of one backend, at most `parallel` at a time, each in a thread of its own.

    `start` (or the first run) probes the backend; from then on `warm` boxes for the usual limits are kept ready. Where
    a required control does not hold, every run ends as `sandbox_unavailable`.
    """

    def __init__(
        self, backend: SandboxBackend, limits: Limits | None = None, *, parallel: int = 2, warm: int = 0
    ) -> None:
        self._backend = backend
        self._limits = limits or Limits()
        self._pool = Pool(backend, self._limits, warm, PRELOAD)
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="sandbox")
        self._starting = asyncio.Lock()
        self._capabilities: Capabilities | None = None
        self._probed_at = 0.0
        self._running: set[int] = set()

    @property
    def pool(self) -> Pool:
        return self._pool

    @property
    def name(self) -> str:
        return self._backend.name

    async def start(self, progress: Progress = silent) -> Capabilities:
        """Get ready; says what can be enforced here. Never raises SandboxUnavailable: `available` tells."""
        async with self._starting:
            known = self._capabilities
            if known is None or (not known.available and time.monotonic() - self._probed_at > _RETRY):
                loop = asyncio.get_running_loop()
                self._capabilities = await loop.run_in_executor(self._threads, self._backend.probe, progress)
                self._probed_at = time.monotonic()
                if self._capabilities.available:
                    self._pool.start()
            assert self._capabilities is not None
            return self._capabilities

    async def run(
        self,
        code: str | bytes,
        inputs: Mapping[str, bytes],
        *,
        env: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> SandboxOutcome:
        """As in the port. `env` adds to the program's few environment variables; `limits` overrides for this run;
        bytes of code are taken as UTF-8.

        Cancelling kills the box and waits until it is gone.
        """
        limits = limits or self._limits
        try:
            code = text_of(code, limits)
            check_inputs(inputs, limits)
            check_environment(env or {})
        except NotRunnable as why:
            return self._refused("rejected", str(why))
        capabilities = await self.start()
        if not capabilities.available:
            return self._refused("sandbox_unavailable", capabilities.detail)
        cancel = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._running.add(cancel)
        work = partial(self._run, code, inputs, env or {}, limits, cancel)
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(lambda _: self._forget(cancel))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            os.eventfd_write(cancel, 1)
            await asyncio.wait([future])
            raise

    def _forget(self, cancel: int) -> None:
        self._running.discard(cancel)
        os.close(cancel)

    def _run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], limits: Limits, cancel: int
    ) -> SandboxOutcome:
        try:
            box = self._pool.take(limits)
        except SandboxUnavailable as error:
            return self._refused("sandbox_unavailable", str(error))
        try:
            return box.run(code, inputs, env, cancel)
        finally:
            box.destroy()

    async def close(self) -> None:
        """Stop what runs and wait for it."""
        for cancel in self._running:
            with suppress(OSError):
                os.eventfd_write(cancel, 1)
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._pool.close)
        self._backend.close()

    def _refused(self, reason: ExecutionReason, detail: str | None) -> SandboxOutcome:
        return SandboxOutcome(ExecutionResult(reason=reason, backend=self.name, detail=detail), {})
