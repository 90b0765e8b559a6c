"""A small process that starts boxes for a large one.

Root's boxes need another user, and Python can only fork then: in a process of half a gigabyte that takes 30 ms, with
everything else in it standing still. This one is forked from in well under one. It lives as long as the socket to the
process it serves; its boxes die with it.

    spawner_process.py SOCKET

A request is one message of NUL-separated fields – user and group ("" to stay), how many files follow, the `tasks` or
`cgroup.procs` files of the groups to join, then the command – with the descriptors that become 0, 1, 2 … of the new
process, and last one that is kept here: when the process has ended, its wait status and CPU seconds are written there.
The answer is the process id with a pidfd. Standard library only, and little of it.
"""

import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

_ASIDE = 64  # above every descriptor that is received
_MESSAGE = 1 << 17
_CORE = (1, 1)  # `sandbox.inside.CORE`, which cannot be imported here


def become(request: Sequence[bytes], descriptors: Sequence[int]) -> None:
    """Be the new process. Returns only when that fails, having said so on its standard error."""
    try:
        user, group, count, *rest = request
        joined, command = rest[: int(count)], rest[int(count) :]
        for place, descriptor in enumerate(descriptors):
            os.dup2(descriptor, _ASIDE + place, inheritable=False)
        for place in range(len(descriptors)):
            os.dup2(_ASIDE + place, place)
        os.closerange(len(descriptors), 1024)
        # "0" is the writer itself: on v1 the one way in that does not wait for every processor (10 ms).
        for path in joined:
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            os.write(file, b"0")
            os.close(file)
        if user:
            os.setgroups([])
            os.setresgid(*[int(group)] * 3)
            os.setresuid(*[int(user)] * 3)
        with suppress(ValueError):  # where even that is more than we may have
            resource.setrlimit(resource.RLIMIT_CORE, _CORE)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execve(command[0], command, {})  # noqa: S606
    except OSError as error:
        os.write(2, f"the box cannot be started: {error}\n".encode())


def collect(reports: dict[int, int]) -> None:
    """Tell how each process that has ended did."""
    with suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            report = reports.pop(pid)
            with suppress(OSError):
                os.write(report, f"{status} {usage.ru_utime + usage.ru_stime}".encode())
            os.close(report)


def serve(channel: socket.socket) -> None:
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    reports: dict[int, int] = {}
    while True:
        ready = select.select([channel.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            collect(reports)
        if channel.fileno() in ready:
            message, received, _, _ = socket.recv_fds(channel, _MESSAGE, 16, socket.MSG_CMSG_CLOEXEC)
            if not message:
                return
            *descriptors, report = received
            pid = os.fork()
            if not pid:
                become(message.split(b"\0"), descriptors)
                os._exit(127)
            reports[pid] = report
            process = os.pidfd_open(pid)
            socket.send_fds(channel, [str(pid).encode()], [process])
            for descriptor in (process, *descriptors):
                os.close(descriptor)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
