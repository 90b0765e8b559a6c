"""What is particular to boxes whose kernel is gVisor's, with or without a daemon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sandbox.attestation import require, status_of

OWN_THREADS = 512  # a process limit also counts the threads of gVisor's own kernel, several a process inside
# gVisor cannot set these; what they limit is in the box's own kernel anyway.
UNKNOWN_LIMITS = frozenset({"RLIMIT_MSGQUEUE", "RLIMIT_SIGPENDING"})
_NAMESPACES = ("user", "net", "ipc", "uts", "mnt")


def sentry_controls(sentry: int) -> Iterator[str]:
    """What holds the box's kernel itself, should a program break into it."""
    require(Path(f"/proc/{sentry}/exe").exists(), "gVisor's kernel is gone")
    for name in _NAMESPACES:
        ours, its = (os.readlink(f"/proc/{who}/ns/{name}") for who in ("self", sentry))
        require(ours != its, f"the {name} namespace is the host's")
    yield "kernel: gVisor's own, in namespaces " + ", ".join(_NAMESPACES)
    status = status_of(sentry)
    require("0" not in status["Uid"].split(), "gVisor's kernel runs as root")
    yield "user: unprivileged"
    require(status["NoNewPrivs"] == "1", "gVisor's kernel may gain privileges")
    yield "no new privileges"
    require(status["Seccomp"] == "2", "no system call filter holds gVisor's kernel")
    yield "seccomp: gVisor's on the host, allowlist inside"
    devices = Path(f"/proc/{sentry}/net/dev").read_text().splitlines()[2:]
    require(all(line.split(":")[0].strip() == "lo" for line in devices), "it has a network device")
    yield "network: none"
