"""One running instance per data directory: a lock file, and where the running one can be reached."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import SetupError

# A command that looks whether an instance runs holds the lock for an instant.
_GLANCES = 5


class InstanceRunning(SetupError):
    """Another process holds the data directory."""


def _paths(data_dir: Path) -> tuple[Path, Path]:
    return data_dir / "instance.lock", data_dir / "instance.json"


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the data directory. The kernel gives the lock back when the process dies, however it dies.

    Raises InstanceRunning when another process holds it, SetupError when the directory cannot be made.
    """
    lock, where = _paths(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SetupError(f"the data directory {data_dir} cannot be used: {error.strerror}") from error
    try:
        if not _locked(descriptor):
            url = running_url(data_dir)
            raise InstanceRunning(
                f"an instance is already running on {data_dir}" + (f": {url}" if url else "") + ". Stop it, use it "
                "with --url, or set VAULTRA_DATA_DIR to another folder."
            )
        # What a killed instance announced must not be taken for this one.
        where.unlink(missing_ok=True)
        try:
            yield
        finally:
            where.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    for glance in range(_GLANCES):
        if glance:
            time.sleep(0.02)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def announce(data_dir: Path, url: str) -> None:
    """Write down where the instance answers, for commands started beside it. Call while holding `exclusive`."""
    _, where = _paths(data_dir)
    temporary = where.with_suffix(".tmp")
    temporary.write_text(json.dumps({"pid": os.getpid(), "url": url}))
    temporary.replace(where)


def running_url(data_dir: Path) -> str | None:
    """The URL of the instance that holds the data directory now; None when none does."""
    lock, where = _paths(data_dir)
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return str(json.loads(where.read_text())["url"])
        except (OSError, ValueError, KeyError):
            return None
    finally:
        os.close(descriptor)
    return None
