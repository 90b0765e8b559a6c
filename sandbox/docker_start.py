"""Starts Docker boxes: container made → attached → started → ready → what is enforced read back from the kernel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.backend import destroyed_on_failure
from sandbox.capture import Capture
from sandbox.cgroups import box_name, groups_of
from sandbox.docker_attestation import attest
from sandbox.docker_box import DockerBox
from sandbox.docker_container import Recipe, create
from sandbox.docker_engine import connect, unavailable
from sandbox.docker_stream import DockerStream
from sandbox.engine import Engine
from sandbox.identity import new_identity
from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.slot import make_slot
from sandbox.supervision import readable
from sandbox.tmp_mount import mount_tmp
from schemas.errors import SandboxUnavailable


@dataclass(frozen=True, slots=True)
class DockerBoxes:
    """How boxes are made here. `extra` are controls the engine adds to its own."""

    engine: Engine
    recipe: Recipe
    root: RootTree
    extra: tuple[str, ...]

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> DockerBox:
        """Start a box and bring it to "ready". Raises SandboxUnavailable when it cannot be started or a required
        control does not hold."""
        name, identity = box_name(), new_identity()
        slot = self.root.boxes / name
        box = DockerBox(limits=limits, slot=slot, client=connect(self.engine))
        with destroyed_on_failure(box), unavailable("cannot start a box"):
            make_slot(slot, identity)
            box.output = mount_tmp(slot / "tmp", limits, identity, self.root.font_list)
            box.container = create(box.client, self.recipe, slot, identity, limits, preload)
            _start(box)
            facts = box.client.inspect_container(box.container)
            pid = int(facts["State"]["Pid"])
            box.cgroup = groups_of(pid)
            box.controls = (*attest(pid, facts, box.cgroup, identity, limits, self.recipe.runtime), *self.extra)
        return box


def _start(box: DockerBox) -> None:
    assert box.container is not None
    streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    # Before the start, so that nothing has been said yet that the client could have read ahead.
    box.attached = box.client.attach_socket(box.container, params=streams)
    box.client.start(box.container)
    _await_ready(box, time.monotonic() + box.limits.startup_timeout)


def _await_ready(box: DockerBox, deadline: float) -> None:
    stdout, stderr = Capture(-1, box.limits.output_keep), Capture(-1, box.limits.output_keep)
    stream = DockerStream(box.connection, stdout, stderr)
    while bytes(stdout.kept) != b"ready\n":
        if not readable([stream.descriptor], deadline - time.monotonic()):
            raise SandboxUnavailable(f"the container did not get ready within {box.limits.startup_timeout:g} s")
        stream.pump()
        if not stream.open:
            raise SandboxUnavailable(f"the container did not get ready: {stderr.text.strip() or box.error()}")
