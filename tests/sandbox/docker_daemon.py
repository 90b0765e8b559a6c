"""A Docker engine of the tests' own, started by hand as root: no service manager, no bridge, no firewall rules."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START = 60.0  # s


@contextmanager
def running_engine() -> Iterator[str]:
    """URL of a fresh engine with the runtimes runc and, where installed, runsc; stopped and removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="vaultra-engine-"))
    runsc = {"path": shutil.which("runsc"), "runtimeArgs": ["--network=none", "--oci-seccomp"]}
    (home / "daemon.json").write_text(json.dumps({"runtimes": {"runsc": runsc} if runsc["path"] else {}}))
    url = f"unix://{home}/docker.sock"
    command = ["dockerd", "--config-file", home / "daemon.json", "--host", url, "--data-root", home / "data"]
    command += ["--exec-root", home / "exec", "--pidfile", home / "pid", "--bridge=none", "--iptables=false"]
    command += ["--ip6tables=false", "--exec-opt", "native.cgroupdriver=cgroupfs"]
    with (home / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _await(home / "docker.sock", daemon, home / "log")
        yield url
    finally:
        daemon.terminate()
        daemon.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _await(place: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and daemon.poll() is None:
        with socket.socket(socket.AF_UNIX) as knocking:
            if knocking.connect_ex(str(place)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no Docker engine starts: {log.read_text()[-1000:]}")
