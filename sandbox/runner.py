"""The port `SandboxRunner` over bubblewrap: queues runs, cancels them, and says clearly when none is possible."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from adapters.ports import SandboxOutcome, SandboxRunner
from sandbox import canary
from sandbox.backend import Capabilities
from sandbox.bubblewrap import Bubblewrap
from sandbox.bubblewrap_box import NAME
from sandbox.cgroups import Parent, find_parents, sweep
from sandbox.limits import MIB, Limits
from sandbox.root_tree import Progress, build_root
from schemas.analyses import ExecutionReason, ExecutionResult
from schemas.errors import SandboxUnavailable

_INPUT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CANARY_LIMITS = Limits(timeout=20.0, memory=512 * MIB)
_RETRY = 30.0  # s before a machine that could not is asked again


class BubblewrapSandbox(SandboxRunner):
    """Runs programs in bubblewrap boxes, at most `parallel` at a time, each in a thread of its own.

    `start` (or the first run) builds the root tree under `data_dir`, sweeps up what a killed process left, and runs
    the canary. Without control groups every run ends as `sandbox_unavailable`, unless `allow_degraded`.
    """

    def __init__(
        self,
        data_dir: Path,
        limits: Limits | None = None,
        *,
        allow_degraded: bool = False,
        parallel: int = 2,
        control_groups: Callable[[], tuple[Parent, ...]] = find_parents,
    ) -> None:
        self._data_dir = data_dir
        self._limits = limits or Limits()
        self._allow_degraded = allow_degraded
        self._control_groups = control_groups
        # Boxes die with the thread that started them: these threads live until `close`.
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="sandbox")
        self._starting = asyncio.Lock()
        self._backend: Bubblewrap | None = None
        self._capabilities: Capabilities | None = None
        self._probed_at = 0.0
        self._running: set[int] = set()

    @property
    def name(self) -> str:
        return NAME

    async def start(self, progress: Progress = lambda message, fraction: None) -> Capabilities:
        """Get ready; says what can be enforced here. Never raises SandboxUnavailable: `available` tells."""
        async with self._starting:
            known = self._capabilities
            if known is None or (not known.available and time.monotonic() - self._probed_at > _RETRY):
                loop = asyncio.get_running_loop()
                self._capabilities = await loop.run_in_executor(self._threads, self._probe, progress)
                self._probed_at = time.monotonic()
            assert self._capabilities is not None
            return self._capabilities

    def _probe(self, progress: Progress) -> Capabilities:
        missing: tuple[str, ...] = ()
        parents: tuple[Parent, ...] = ()
        try:
            try:
                parents = self._control_groups()
            except SandboxUnavailable as error:
                missing = (str(error),)
                if not self._allow_degraded:
                    raise
            backend = Bubblewrap(build_root(self._data_dir, progress), parents)
            sweep(parents, backend.root.boxes)
            box = backend.prepare(_CANARY_LIMITS)
            try:
                controls = canary.check(box.run(canary.PROGRAM, {}, {}))
            finally:
                box.destroy()
        except SandboxUnavailable as error:
            return Capabilities(NAME, available=False, controls=(), missing=missing, detail=str(error))
        self._backend = backend
        return Capabilities(NAME, available=True, controls=(*box.controls, *controls), missing=missing)

    async def run(
        self,
        code: str,
        inputs: Mapping[str, bytes],
        *,
        env: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> SandboxOutcome:
        """As in the port. `env` adds to the program's few environment variables; `limits` overrides for this run.

        Cancelling kills the box and waits until it is gone.
        """
        limits = limits or self._limits
        fault = _fault(code, inputs, limits)
        if fault is not None:
            return _refused("rejected", fault)
        capabilities = await self.start()
        if not capabilities.available:
            return _refused("sandbox_unavailable", capabilities.detail)
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
        assert self._backend is not None
        try:
            box = self._backend.prepare(limits)
        except SandboxUnavailable as error:
            return _refused("sandbox_unavailable", str(error))
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


def _fault(code: str, inputs: Mapping[str, bytes], limits: Limits) -> str | None:
    """Why these are not run at all, for people; None when they may be."""
    if not code.strip():
        return "There is no code to run."
    if "\0" in code:
        return "The code contains a NUL character."
    try:
        size = len(code.encode())
    except UnicodeEncodeError:
        return "The code is not valid Unicode text."
    if size > limits.code:
        return f"The code is larger than {limits.code // 1024} KiB."
    for name in inputs:
        if not _INPUT_NAME.fullmatch(name):
            return f"An input cannot be called {name!r}."
    if sum(map(len, inputs.values())) > limits.inputs:
        return f"The inputs are larger than {limits.inputs // MIB} MiB."
    return None


def _refused(reason: ExecutionReason, detail: str | None) -> SandboxOutcome:
    return SandboxOutcome(ExecutionResult(reason=reason, backend=NAME, detail=detail), {})
