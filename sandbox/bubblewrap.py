"""The bubblewrap backend: no daemon, nothing installed on the host, every namespace named.

A box starts in this order, and any failure on the way kills it: spawn → its pid from bwrap's status → into its control
groups → released to set up → it limits itself and says ready → we hold its output directory → what is enforced is read
back from the kernel. Only then may untrusted code go in.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.attestation import attest
from sandbox.bubblewrap_box import BubblewrapBox
from sandbox.bubblewrap_command import COMMAND, OUTPUT, Descriptors, options, rlimits
from sandbox.cgroups import Cgroup, Parent, box_name
from sandbox.identity import Identity, new_identity
from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.seccomp import compile_filter
from sandbox.slot import make_slot
from schemas.errors import SandboxUnavailable


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """How boxes are made here. `parents` empty: no control groups, which only an explicit choice allows."""

    root: RootTree
    parents: tuple[Parent, ...]
    preload: tuple[str, ...] = ()

    def prepare(self, limits: Limits) -> BubblewrapBox:
        """Start a box and bring it to "ready". Call from a long-lived thread: the box dies with the thread.

        Raises SandboxUnavailable when it cannot be started or a required control does not hold.
        """
        name = box_name()
        identity = new_identity()
        box = BubblewrapBox(limits=limits, identity=identity, slot=self.root.boxes / name, cgroup=None)
        try:
            make_slot(box.slot, identity)
            if self.parents:
                box.cgroup = Cgroup.create(name, self.parents, limits)
            self._start(box)
            box.controls = attest(box.init_pid, identity, box.cgroup, box.output, limits)
        except OSError as error:
            box.destroy()
            raise SandboxUnavailable(f"a box cannot be set up: {error}") from error
        except BaseException:
            box.destroy()
            raise
        return box

    def _start(self, box: BubblewrapBox) -> None:
        deadline = time.monotonic() + box.limits.startup_timeout
        theirs: list[int] = []
        try:
            release = self._spawn(box, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        box.init_pid = _child_pid(box, deadline)
        box.init = box.own(os.pidfd_open(box.init_pid))
        if box.cgroup is not None:
            box.cgroup.admit(box.init_pid)
        os.write(release, b"1")
        _await_ready(box, deadline)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        box.output = box.own(os.open(f"/proc/{box.init_pid}/root{OUTPUT}", flags))

    def _spawn(self, box: BubblewrapBox, theirs: list[int]) -> int:
        """Start bwrap. Adds to `theirs` what only the other side needs; returns what releases it."""
        box.status, status = os.pipe()
        theirs.append(status)
        os.set_blocking(box.own(box.status), False)
        block, release = os.pipe()
        theirs.append(block)
        box.own(release)
        box.channel, channel = socket.socketpair()
        theirs.append(channel.detach())
        filter_ = _memory_file("seccomp", compile_filter())
        theirs.append(filter_)
        descriptors = Descriptors(seccomp=filter_, status=status, block=block, channel=theirs[2])
        arguments = options(self.root, box.slot, box.limits, descriptors)
        args = _memory_file("args", b"".join(argument.encode() + b"\0" for argument in arguments))
        theirs.append(args)
        command = [str(self.root.launcher), "--args", str(args), "--", *COMMAND, str(descriptors.channel)]
        command += [rlimits(box.limits), *self.preload]
        box.process = _popen(command, theirs, box.identity)
        box.monitor = box.own(os.pidfd_open(box.process.pid))
        return release


def _popen(command: Sequence[str], descriptors: Sequence[int], identity: Identity) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        env={},
        cwd="/",
        user=None if identity.own else identity.uid,
        group=None if identity.own else identity.gid,
        extra_groups=None if identity.own else [],
    )


def _memory_file(name: str, data: bytes) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _wait_readable(box: BubblewrapBox, descriptor: int, deadline: float, what: str) -> None:
    readable, _, _ = select.select([descriptor, box.monitor], [], [], max(deadline - time.monotonic(), 0))
    if descriptor not in readable:
        raise SandboxUnavailable(_explain(box, what, ended=bool(readable)))


def _explain(box: BubblewrapBox, what: str, *, ended: bool) -> str:
    """What bwrap or the bootstrap said before it gave up; no untrusted byte has been inside yet."""
    assert box.process is not None
    assert box.process.stderr is not None
    if not ended:
        return f"the sandbox did not {what} within {box.limits.startup_timeout:g} s"
    said = box.process.stderr.read(4096).decode(errors="replace").strip()
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
    assert box.channel is not None
    text = b""
    while text != b"ready\n":
        _wait_readable(box, box.channel.fileno(), deadline, "get ready")
        part = box.channel.recv(16)
        text += part
        if not part:
            raise SandboxUnavailable(_explain(box, "get ready", ended=True))
