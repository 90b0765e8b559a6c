"""Starts gVisor boxes without a daemon: `runsc run` on a bundle of our own, inside control groups of our own.

A box starts in this order, and any failure on the way kills it: limited control groups and `/tmp` → runsc, moved into
the groups before it starts anything → the bootstrap limits itself and says ready → what is enforced is read back from
the kernel. Only then may untrusted code go in.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sandbox.backend import destroyed_on_failure
from sandbox.cgroups import Cgroup, Parent, box_name
from sandbox.gvisor import OWN_THREADS, UNKNOWN_LIMITS
from sandbox.identity import new_identity
from sandbox.inside import COMMAND, rlimits, standard_streams
from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.runsc_attestation import attest
from sandbox.runsc_box import RunscBox
from sandbox.runsc_bundle import write_bundle
from sandbox.slot import make_slot
from sandbox.supervision import readable
from sandbox.tmp_mount import mount_tmp
from schemas.errors import SandboxUnavailable


@dataclass(frozen=True, slots=True)
class Runsc:
    """How boxes are made here."""

    binary: Path
    platform: str
    root: RootTree
    parents: tuple[Parent, ...]

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> RunscBox:
        """Start a box and bring it to "ready". Raises SandboxUnavailable when it cannot be started or a required
        control does not hold."""
        name, identity = box_name(), new_identity()
        slot = self.root.boxes / name
        try:
            cgroup = Cgroup.create(name, self.parents, replace(limits, pids=limits.pids + OWN_THREADS))
            box = RunscBox(limits=limits, slot=slot, cgroup=cgroup)
        except OSError as error:
            raise SandboxUnavailable(f"a box's control groups cannot be made: {error}") from error
        with destroyed_on_failure(box):
            make_slot(slot, identity)
            box.output = mount_tmp(slot / "tmp", limits, identity, self.root.font_list)
            arguments = (*COMMAND, standard_streams(limits), rlimits(limits, without=UNKNOWN_LIMITS), *preload)
            write_bundle(slot / "bundle", self.root, slot, arguments, identity, limits)
            self._start(box)
            box.controls = attest(box.process.pid, cgroup, limits) if box.process else ()
        return box

    def _start(self, box: RunscBox) -> None:
        command: list[str | Path] = [
            self.binary,
            "--root",
            box.slot / "state",
            f"--platform={self.platform}",
            "--network=none",
        ]
        command += ["--oci-seccomp", "--ignore-cgroups", "--host-uds=none", "--host-fifo=none"]
        command += ["--log", box.log, "run", "--bundle", box.slot / "bundle", box.slot.name]
        os.mkfifo(box.log, 0o600)
        box.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, cwd="/"
        )
        box.cgroup.admit(box.process.pid)
        box.monitor = os.pidfd_open(box.process.pid)
        # runsc waits for a reader of its log before it starts anything: only now is it in its groups.
        box.messages = os.open(box.log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        _await_ready(box, time.monotonic() + box.limits.startup_timeout)


def _await_ready(box: RunscBox, deadline: float) -> None:
    assert box.process is not None
    assert box.process.stdout is not None
    assert box.process.stderr is not None
    stdout = box.process.stdout.fileno()
    text = b""
    while text != b"ready\n":
        if not readable([stdout], deadline - time.monotonic()):
            raise SandboxUnavailable(f"gVisor did not get ready within {box.limits.startup_timeout:g} s")
        part = os.read(stdout, 6 - len(text))
        text += part
        if not part:
            said = box.process.stderr.read(4096).decode(errors="replace").strip() or box.said()
            raise SandboxUnavailable(f"gVisor did not get ready: {said or 'it ended without a word'}")


@cache
def platform_of(binary: Path) -> str:
    """systrap where this runsc knows it (2023 and later), else ptrace: neither needs virtualization."""
    help_ = subprocess.run([binary, "help", "flags"], capture_output=True, text=True, check=False, timeout=20)
    return "systrap" if "systrap" in help_.stdout + help_.stderr else "ptrace"
