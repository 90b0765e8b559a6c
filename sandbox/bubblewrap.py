"""The bubblewrap backend: no daemon, nothing installed on the host, every namespace named.

A box starts in this order, and any failure on the way kills it: fork → into its control groups → bwrap, as nobody's
user → its process 1 from bwrap's status → released to set up → it limits itself and says ready → we hold its output
directory → what is enforced is read back from the kernel. Only then may untrusted code go in.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sandbox.attestation import attest
from sandbox.backend import destroyed_on_failure
from sandbox.bubblewrap_box import BubblewrapBox
from sandbox.bubblewrap_command import command, options
from sandbox.cgroups import Cgroup, Parent, box_name
from sandbox.identity import new_identity
from sandbox.inside import OUTPUT
from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.seccomp import can_notify, compile_filter, compile_notifier, install_number
from sandbox.slot import make_slot
from sandbox.spawner import Spawner
from sandbox.supervision import readable
from schemas.errors import SandboxUnavailable


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """How boxes are made here. `parents` empty: no control groups, which only an explicit choice allows."""

    root: RootTree
    parents: tuple[Parent, ...]
    spawner: Spawner = field(default_factory=Spawner)

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> BubblewrapBox:
        """Start a box and bring it to "ready".

        Raises SandboxUnavailable when it cannot be started or a required control does not hold.
        """
        self.root.touch()
        name = box_name()
        identity = new_identity()
        box = BubblewrapBox(limits=limits, identity=identity, slot=self.root.boxes / name, cgroup=None)
        with destroyed_on_failure(box):
            make_slot(box.slot, identity)
            if self.parents:
                # One more process than the program may have: bwrap itself waits outside the box's namespace.
                box.cgroup = Cgroup.create(name, self.parents, replace(limits, pids=limits.pids + 1))
            self._start(box, preload)
            box.controls = attest(box.init_pid, identity, box.cgroup, box.output, limits)
        return box

    def _start(self, box: BubblewrapBox, preload: Sequence[str]) -> None:
        deadline = time.monotonic() + box.limits.startup_timeout
        theirs: list[int] = []
        try:
            release = self._spawn(box, preload, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        box.init_pid = _child_pid(box, deadline)
        box.init = box.own(os.pidfd_open(box.init_pid))
        os.write(release, b"1")
        _await_ready(box, deadline)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        box.output = box.own(os.open(f"/proc/{box.init_pid}/root{OUTPUT}", flags))

    def _spawn(self, box: BubblewrapBox, preload: Sequence[str], theirs: list[int]) -> int:
        """Start bwrap, in its control groups. Adds to `theirs`, in their order, what only the other side needs;
        returns what releases it."""

        def give(descriptor: int) -> None:
            theirs.append(descriptor)

        def pipe_from() -> int:
            ours, its = os.pipe()
            give(its)
            return box.own(ours)

        notify = can_notify()
        give(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        box.stdout = pipe_from()
        box.stderr = pipe_from()
        arguments = options(self.root, box.slot, box.limits)
        give(_memory_file("args", b"".join(argument.encode() + b"\0" for argument in arguments)))
        box.status = pipe_from()
        os.set_blocking(box.status, False)
        block, release = os.pipe()
        box.own(release)
        give(block)
        give(_memory_file("seccomp", compile_filter(notify=notify)))
        box.channel, channel = socket.socketpair()
        give(channel.detach())
        if notify:
            give(_memory_file("notifier", compile_notifier()))
        box.process = self.spawner.spawn(
            command(self.root, box.limits, install_number() if notify else None, preload),
            theirs,
            box.cgroup.entrances() if box.cgroup is not None else (),
            box.identity,
        )
        box.own(box.process.process)
        box.monitor = box.own(box.process.report)
        return release


def _memory_file(name: str, data: bytes) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _wait_readable(box: BubblewrapBox, descriptor: int, deadline: float, what: str) -> None:
    ready = readable((descriptor, box.monitor), deadline - time.monotonic())
    if descriptor not in ready:
        raise SandboxUnavailable(_explain(box, what, ended=bool(ready)))


def _explain(box: BubblewrapBox, what: str, *, ended: bool) -> str:
    """What bwrap or the bootstrap said before it gave up; no untrusted byte has been inside yet."""
    if not ended:
        return f"the sandbox did not {what} within {box.limits.startup_timeout:g} s"
    said = os.read(box.stderr, 4096).decode(errors="replace").strip()
    hint = ""
    if "namespace" in said or "uid map" in said or "not permitted" in said:
        hint = (
            " (user namespaces seem to be forbidden here: look at kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces, or a container's seccomp profile)"
        )
    return f"the sandbox did not {what}: {said or 'it ended without a word'}{hint}"


def _child_pid(box: BubblewrapBox, deadline: float) -> int:
    text = b""
    while True:
        _wait_readable(box, box.status, deadline, "start")
        part = os.read(box.status, 4096)
        text += part
        if b"\n" in text:
            return int(json.loads(text[: text.index(b"\n")])["child-pid"])
        if not part:
            raise SandboxUnavailable(_explain(box, "start", ended=True))


def _await_ready(box: BubblewrapBox, deadline: float) -> None:
    """Wait for "ready"; before it comes the descriptor that refused calls are told on, if there is one."""
    assert box.channel is not None
    text = b""
    while not text.endswith(b"ready\n"):
        _wait_readable(box, box.channel.fileno(), deadline, "get ready")
        part, received, _, _ = socket.recv_fds(box.channel, 16, 1, socket.MSG_CMSG_CLOEXEC)
        text += part
        for descriptor in received:
            box.listener = box.own(descriptor)
        if not part:
            raise SandboxUnavailable(_explain(box, "get ready", ended=True))
