"""The system call filter of the box, compiled to classic BPF: an allowlist with rules on arguments.

What is dangerous answers EPERM, what is unknown ENOSYS (killing on unknown calls fails programs at random when the C
library learns a new one), a foreign ABI (i386, x32) kills: its numbers mean other calls.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from sandbox.syscalls import ALLOWED, NUMBERS, REFUSED
from schemas.errors import SandboxUnavailable

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _NOTIFY, _ERRNO, _KILL = 0x7FFF0000, 0x7FC00000, 0x00050000, 0x80000000
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16

_AF_UNIX = 1
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag
_SET_ID = 0o6000
_DEVICE = 0o020000  # set in S_IFCHR and S_IFBLK, not in S_IFREG, S_IFIFO, S_IFSOCK
_TIOCSTI, _TIOCLINUX, _TIOCSETD = 0x5412, 0x541C, 0x5423
_F_SETLEASE, _F_NOTIFY = 1024, 1026
_RLIMIT_CORE = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A call is allowed unless the low half of `argument` (counted from 0) is refused, by this or another rule on it.

    `only`: anything but one of `values` is refused. `none`: one of `values` is refused. `bits`: any of the bits
    of `values[0]` is refused.
    """

    call: str
    argument: int
    check: Literal["only", "none", "bits"]
    values: tuple[int, ...]


RULES = (
    # Even without a network, AF_VSOCK and netlink open; Unix sockets reach only what is inside.
    Rule("socket", 0, "only", (_AF_UNIX,)),
    Rule("socketpair", 0, "only", (_AF_UNIX,)),
    Rule("clone", 0, "bits", (_NEW_NAMESPACES,)),
    # Typing into the terminal of whoever started us, and line disciplines.
    Rule("ioctl", 1, "none", (_TIOCSTI, _TIOCLINUX, _TIOCSETD)),
    Rule("chmod", 1, "bits", (_SET_ID,)),
    Rule("fchmod", 1, "bits", (_SET_ID,)),
    Rule("fchmodat", 2, "bits", (_SET_ID,)),
    Rule("fchmodat2", 2, "bits", (_SET_ID,)),
    Rule("open", 2, "bits", (_SET_ID,)),
    Rule("openat", 3, "bits", (_SET_ID,)),
    Rule("creat", 1, "bits", (_SET_ID,)),
    Rule("mknod", 1, "bits", (_SET_ID | _DEVICE,)),
    Rule("mknodat", 2, "bits", (_SET_ID | _DEVICE,)),
    # Boxes share the files of the root tree: a program must not be told when another's opens one, nor hold one up.
    Rule("fcntl", 1, "none", (_F_SETLEASE, _F_NOTIFY)),
    # Another process's limits are none of the program's business: process 1 is one of them.
    Rule("prlimit64", 0, "only", (0,)),
    # Lowered to 0, a crash would be handed to the host's crash handler (`sandbox.inside.CORE`).
    Rule("prlimit64", 1, "none", (_RLIMIT_CORE,)),
    Rule("setrlimit", 0, "none", (_RLIMIT_CORE,)),
)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _answer(error: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | error)


def _tell() -> bytes:
    return _instruction(_RETURN, _NOTIFY)


def _apply(rule: Rule, refuse: bytes) -> bytes:
    """Instructions that refuse a call by its argument or go on behind them; entered only for that call."""
    load = _instruction(_LOAD, _ARGUMENTS + 8 * rule.argument)
    if rule.check == "bits":
        return load + _instruction(_JUMP_ANY_BIT, rule.values[0], 0, 1) + refuse
    count = len(rule.values)
    on_hit, on_miss = (1, 0) if rule.check == "only" else (0, 1)
    compare = b"".join(
        _instruction(_JUMP_EQUAL, value, count - 1 - place + on_hit, on_miss if place == count - 1 else 0)
        for place, value in enumerate(rule.values)
    )
    return load + compare + refuse


def _each(numbers: Iterable[int], verdict: bytes) -> bytes:
    return b"".join(_instruction(_JUMP_EQUAL, number, 0, 1) + verdict for number in sorted(numbers))


@cache
def compile_filter(machine: str | None = None, *, notify: bool = False) -> bytes:
    """The filter as an array of `struct sock_filter` for this machine (`x86_64` or `aarch64`).

    With `notify`, what is refused is told to whoever listens and fails with ENOSYS where nobody does; the bootstrap
    may then install one more filter, `compile_notifier`. Raises SandboxUnavailable on a machine whose system calls are
    not known here.
    """
    numbers, program = _opening(machine)
    allowed = ALLOWED | {"seccomp"} if notify else ALLOWED
    program += _each((numbers[name] for name in allowed if name in numbers), _instruction(_RETURN, _ALLOW))
    program += _refusals(numbers, REFUSED - allowed, _tell() if notify else _answer(errno.EPERM))
    return program + _answer(errno.ENOSYS)


@cache
def compile_notifier(machine: str | None = None) -> bytes:
    """The filter that makes the kernel tell a listener of each refused call. It allows nothing that the first one
    does not: of two filters the stricter answer counts, and a listener can only refuse (`sandbox/denials.py`)."""
    numbers, program = _opening(machine)
    return program + _refusals(numbers, REFUSED, _tell()) + _instruction(_RETURN, _ALLOW)


def _opening(machine: str | None) -> tuple[Mapping[str, int], bytes]:
    """System call numbers of the machine, and a program that ends foreign ABIs and loads the number."""
    machine = machine or platform.machine()
    if machine not in NUMBERS:
        raise SandboxUnavailable(f"there is no system call filter for {machine} machines yet, only x86_64 and aarch64")
    program = _instruction(_LOAD, _ARCH)
    program += _instruction(_JUMP_EQUAL, _AUDIT_ARCH[machine], 1, 0) + _instruction(_RETURN, _KILL)
    program += _instruction(_LOAD, _NUMBER)
    if machine == "x86_64":
        program += _instruction(_JUMP_AT_LEAST, _X32, 0, 1) + _instruction(_RETURN, _KILL)
    return NUMBERS[machine], program


def _refusals(numbers: Mapping[str, int], refused: Iterable[str], refusal: bytes) -> bytes:
    program = b""
    for call in dict.fromkeys(rule.call for rule in RULES if rule.call in numbers):
        verdict = b"".join(_apply(rule, refusal) for rule in RULES if rule.call == call)
        verdict += _instruction(_RETURN, _ALLOW)
        program += _instruction(_JUMP_EQUAL, numbers[call], 0, len(verdict) // 8) + verdict
    return program + _each((numbers[name] for name in refused if name in numbers), refusal)


def can_notify() -> bool:
    """Whether the kernel tells of refused calls (Linux 5.0); without, they are refused all the same, unnamed."""
    try:
        return "user_notif" in Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split()
    except OSError:
        return False


def install_number() -> int:
    """Number of the call that installs a filter on this machine."""
    return NUMBERS[platform.machine()]["seccomp"]
