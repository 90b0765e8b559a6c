"""A child process that does picture work: started when first needed, killed when late, started again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.vision.frames import BrokenFrame, Head, packed, receive
from schemas.errors import VaultraError

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_CLOSE_SECONDS = 2.0
_PIPE_BYTES = 1 << 20


class WorkerLate(VaultraError):
    """The child did not answer in time and was killed."""


class WorkerDied(VaultraError):
    """The child ended in the middle of the work (out of time or memory, crashed in native code).

    `status` is its exit status, negative for the signal that ended it, None when it is not known.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class PictureWorker:
    """Runs `python -m module arguments…` and talks to it in frames, one request at a time.

    The child gets no environment of ours, limits its own memory, and dies with this process. After `idle` seconds
    without work it is ended to give its memory back. A request that is cancelled or late kills it.
    """

    def __init__(self, module: str, arguments: Sequence[str] = (), *, idle: float = 300.0) -> None:
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._idle = idle
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idling: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def call(self, head: Head, body: bytes, *, timeout: float) -> tuple[Head, bytes]:  # noqa: ASYNC109
        """The child's answer. `timeout` in seconds counts the work, not waiting for a turn or the child's start.

        Raises WorkerLate, WorkerDied.
        """
        async with self._turn:
            if self._closed:
                raise WorkerDied("the picture process is closed")
            process = await self._running()
            try:
                async with asyncio.timeout(timeout):
                    return await _exchange(process, head, body)
            except TimeoutError as error:
                await self._kill()
                raise WorkerLate(f"no answer within {timeout:g} s") from error
            except (asyncio.IncompleteReadError, ConnectionError, BrokenFrame) as error:
                code = await self._kill(ended=True)
                raise WorkerDied(f"the picture process ended (exit status {code})", status=code) from error
            except asyncio.CancelledError:
                # The answer would meet the next request.
                await self._kill()
                raise
            finally:
                self._rest()

    async def close(self) -> None:
        """End the child: it leaves when its input ends, and is killed if it does not. Further calls fail."""
        self._closed = True
        if self._idling is not None:
            self._idling.cancel()
        async with self._turn:
            await self._end()

    async def start(self) -> None:
        """Start the child ahead of the first request."""
        async with self._turn:
            if not self._closed:
                await self._running()
                self._rest()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._idling is not None:
            self._idling.cancel()
        if self._process is not None and self._process.returncode is None:
            return self._process
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PYTHONNOUSERSITE": "1", "PATH": "/usr/bin:/bin"},
            limit=_PIPE_BYTES,
        )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                await receive(process.stdout)
        except (TimeoutError, asyncio.IncompleteReadError, BrokenFrame) as error:
            code = await self._kill()
            raise WorkerDied(f"the picture process did not start (exit status {code})") from error
        except asyncio.CancelledError:
            await self._kill()
            raise
        return process

    async def _kill(self, *, ended: bool = False) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        # It may be ending by itself: its own status says more than our signal.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2 if ended else 0):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        code = await asyncio.shield(process.wait())
        _hang_up(process)
        return code

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            self._process = None
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await process.wait()
            self._process = None
            _hang_up(process)
        except TimeoutError:
            await self._kill()

    def _rest(self) -> None:
        """Let the child go when nothing comes for a while."""
        if self._process is not None and not self._closed:
            loop = asyncio.get_running_loop()
            self._idling = loop.call_later(self._idle, lambda: self._dismiss())

    def _dismiss(self) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not self._turn.locked():
            process.stdin.close()
            self._process = None


def _hang_up(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    # The transport closes with its pipes; without this it waits for the garbage collector.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


async def _exchange(process: asyncio.subprocess.Process, head: Head, body: bytes) -> tuple[Head, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    for piece in packed(head, body):
        process.stdin.write(piece)
    await process.stdin.drain()
    return await receive(process.stdout)
