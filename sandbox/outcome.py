"""Turns what was seen of a run into its result, once every process of the box is dead."""

from __future__ import annotations

import os
from dataclasses import dataclass

from adapters.ports import SandboxOutcome
from sandbox.artefacts import Collected, collect
from sandbox.capture import Capture
from sandbox.cgroups import Usage
from sandbox.denials import explain
from sandbox.limits import Limits
from sandbox.verdict import Evidence, Kill, judge
from schemas.analyses import ExecutionResult

_FULL = 1 << 16  # bytes; a file system with less left counts as full


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over. `status` is what process 1 ended with, None when it left none; `output` is the descriptor
    of the output directory; `denied` names refused system calls; times in seconds."""

    killed_for: Kill | None
    status: int | None
    usage: Usage | None
    cpu_seconds: float
    wall: float
    output: int
    stdout: Capture
    stderr: Capture
    denied: tuple[str, ...] = ()


def conclude(ended: Ended, *, limits: Limits, backend: str, controls: tuple[str, ...]) -> SandboxOutcome:
    """The verdict, the output and the artefacts."""
    room = os.fstatvfs(ended.output)
    usage = ended.usage
    verdict = judge(
        Evidence(
            killed_for=ended.killed_for,
            status=ended.status,
            oom_kills=usage.oom_kills if usage else 0,
            pids_refused=usage.pids_refused if usage else 0,
            tmp_full=room.f_bavail * room.f_frsize < _FULL or (room.f_files > 0 and room.f_favail == 0),
            cpu_seconds=ended.cpu_seconds,
        ),
        limits,
    )
    known = ended.status is not None or ended.killed_for
    collected = collect(ended.output, limits) if known else Collected()
    result = ExecutionResult(
        reason=verdict.reason,
        exit_code=verdict.exit_code,
        signal=verdict.signal,
        stdout=ended.stdout.text,
        stderr=ended.stderr.text,
        truncated=ended.stdout.truncated or ended.stderr.truncated,
        wall_seconds=round(ended.wall, 4),
        cpu_seconds=round(ended.cpu_seconds, 4),
        peak_memory=usage.peak if usage else None,
        rejected_artefacts=tuple(collected.rejected),
        backend=backend,
        controls=controls,
        denied=ended.denied,
        detail=verdict.detail and " ".join(filter(None, (verdict.detail, explain(ended.denied)))),
        result=collected.result,
    )
    return SandboxOutcome(result=result, artefacts=collected.files)
