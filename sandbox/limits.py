"""What one run of untrusted code may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    `memory` includes swap and everything the code keeps in tmpfs; `cpus` is a quota, not an affinity; `timeout` is
    wall time from the moment the code is released until its last process is dead.
    """

    cpus: float = 2.0
    memory: int = 2048 * MIB
    timeout: float = 120.0
    startup_timeout: float = 30.0
    # CPU time of all processes together; None: what the quota and the time-out allow anyway.
    cpu_time: float | None = None
    pids: int = 64
    tmp: int = 100 * MIB
    shared_memory: int = 16 * MIB
    address_space: int = 4096 * MIB
    open_files: int = 256
    # Of each output stream this much is kept; a stream that goes on to `output_kill` ends the run.
    output_keep: int = 1 * MIB
    output_kill: int = 16 * MIB
    code: int = 1 * MIB
    inputs: int = 64 * MIB
    result: int = 1 * MIB
    artefact: int = 25 * MIB
    artefacts: int = 50 * MIB
    artefact_count: int = 32
    artefact_depth: int = 3
    artefact_pixels: int = 64_000_000

    @property
    def cpu_seconds(self) -> int:
        """Whole seconds of CPU time after which the run is over."""
        return math.ceil(self.cpu_time) if self.cpu_time is not None else int(self.timeout * self.cpus) + 1
