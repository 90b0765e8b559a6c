"""A harmless program that tries what untrusted code must not be able to do, run once before any is let in."""

from __future__ import annotations

import json

from adapters.ports import SandboxOutcome
from sandbox.backend import Box
from sandbox.limits import MIB, Limits
from schemas.errors import SandboxUnavailable

LIMITS = Limits(timeout=20.0, memory=512 * MIB)
PROGRAM = """
import ctypes, errno, json, os, socket

def refused(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno in (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOSYS)
    return False

libc = ctypes.CDLL(None, use_errno=True)

def call(function, *arguments):
    if getattr(libc, function)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), function)

def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))

print(json.dumps({
    "internet sockets": refused(lambda: socket.socket(socket.AF_INET)),
    "netlink sockets": refused(lambda: socket.socket(16, socket.SOCK_RAW)),
    "VM sockets": refused(lambda: socket.socket(40, socket.SOCK_STREAM)),
    "new namespaces": refused(lambda: call("unshare", 0x10000000)),
    "mounts": refused(lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None)),
    "tracing": refused(lambda: call("ptrace", 16, 1, 0, 0)),
    "writing to /": refused(lambda: write("/canary")),
    "writing to /usr": refused(lambda: write("/usr/canary")),
    "writing to /program": refused(lambda: write("/program/canary")),
    "kernel settings": refused(lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))),
    "the host's files": refused(lambda: os.listdir("/home")),
    "a shell": refused(lambda: os.execv("/bin/sh", ["sh", "-c", ":"])),
}))
"""


def check(outcome: SandboxOutcome) -> tuple[str, ...]:
    """What the canary found refused, as controls. Raises SandboxUnavailable when anything was not."""
    result = outcome.result
    if result.reason != "ok":
        raise SandboxUnavailable(
            f"the canary program ended with {result.reason}: {result.detail} {result.stderr[-500:]}"
        )
    found = json.loads(result.stdout)
    allowed = [name for name, refused in found.items() if not refused]
    if allowed:
        raise SandboxUnavailable(f"the sandbox does not refuse: {', '.join(allowed)}")
    return tuple(f"refuses {name}" for name in found)


def try_in(box: Box) -> tuple[str, ...]:
    """Every control of a box: those read back from outside and those the canary found inside. Uses the box up.

    Raises SandboxUnavailable when the canary did not end well or was allowed something.
    """
    try:
        return (*box.controls, *check(box.run(PROGRAM, {}, {})))
    finally:
        box.destroy()
