"""Which system calls the box's filter refused, told by the kernel, so that nobody has to guess.

Evidence for naming only: a verdict never rests on it, and a listener can do nothing but refuse. After a number of
calls it hangs up; the kernel then refuses by itself, and a program that keeps asking costs the host nothing.
"""

from __future__ import annotations

import errno
import fcntl
import platform
import select
import struct
from contextlib import suppress
from dataclasses import dataclass, field

from sandbox.syscalls import NUMBERS

# ioctl(2) on a listener, and the sizes of `struct seccomp_notif` and `struct seccomp_notif_resp` (linux/seccomp.h).
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_MOST = 256
_NAMED = 20
_FAMILIES = {
    2: "AF_INET",
    10: "AF_INET6",
    16: "AF_NETLINK",
    17: "AF_PACKET",
    40: "AF_VSOCK",
    38: "AF_ALG",
    44: "AF_XDP",
}
_WHY = {
    "there is no network": "socket socketpair",
    "there are no further namespaces and mounts": (
        "clone unshare setns mount umount2 pivot_root chroot fsopen fsmount fsconfig fspick move_mount open_tree "
        "mount_setattr"
    ),
    "other processes are out of reach": (
        "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise move_pages migrate_pages"
    ),
    "files get no set-id bits and there are no devices": (
        "chmod fchmod fchmodat fchmodat2 open openat creat mknod mknodat"
    ),
    "other boxes use the same files": "inotify_init inotify_init1 inotify_add_watch fcntl flock",
    "limits are not the program's to set": "setrlimit prlimit64",
    "the clock is the host's": "settimeofday clock_settime clock_adjtime adjtimex",
}
_REASONS = {call: why for why, calls in _WHY.items() for call in calls.split()}


@dataclass(slots=True)
class Denials:
    """Answers the listener of one box, whose `descriptor` stays the box's."""

    descriptor: int
    named: dict[str, None] = field(default_factory=dict)
    count: int = 0

    def answer(self) -> bool:
        """Take one notification and refuse it. False when it is time to close the descriptor."""
        # When nobody is left who could call, it is readable for ever; to receive then fails, or on kernels before 6.6
        # waits without end.
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        state = sum(events for _, events in poll.poll(0))
        if not state & select.POLLIN:
            return not state & select.POLLHUP
        request = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self.descriptor, _RECEIVE, request)
        except OSError as error:
            return error.errno in (errno.ENOENT, errno.EINTR)  # the caller was killed before it was heard
        identity, _, _, number, _, _, *arguments = _NOTIFICATION.unpack(request)
        if len(self.named) < _NAMED:
            self.named[_name(number, arguments)] = None
        with suppress(OSError):
            fcntl.ioctl(self.descriptor, _SEND, _ANSWER.pack(identity, 0, -errno.EPERM, 0))
        self.count += 1
        return self.count < _MOST

    @property
    def denied(self) -> tuple[str, ...]:
        return tuple(self.named)


def _name(number: int, arguments: list[int]) -> str:
    call = next((name for name, known in NUMBERS[platform.machine()].items() if known == number), f"call {number}")
    if call in ("socket", "socketpair"):
        family = arguments[0] & 0xFFFFFFFF
        return f"{call}({_FAMILIES.get(family, f'family {family}')})"
    return call


def explain(denied: tuple[str, ...]) -> str:
    """One sentence for people; empty when nothing was refused."""
    if not denied:
        return ""
    reasons = dict.fromkeys(_REASONS.get(call.partition("(")[0], "a calculation does not need it") for call in denied)
    return f"It was refused {', '.join(denied)}: {'; '.join(reasons)}."
