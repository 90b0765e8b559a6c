"""Why a run ended: decided from what was seen outside the box, never from what the program says."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from sandbox.limits import MIB, Limits
from schemas.analyses import ExecutionReason

Kill = Literal["timeout", "cpu_limit", "output_limit", "oom", "cancelled"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`killed_for` is set when we ended the run; `status` is what process 1 of the box ended with, None when it
    left none; `tmp_full` is whether the box's file system had no room left when everything in it was dead."""

    killed_for: Kill | None
    status: int | None
    oom_kills: int = 0
    pids_refused: int = 0
    tmp_full: bool = False
    cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: ExecutionReason
    exit_code: int | None
    signal: int | None
    detail: str | None


def _ended_by(status: int | None) -> int | None:
    """The signal a status stands for. A program may also *exit* with 128 + n, so this alone proves nothing."""
    return status - 128 if status is not None and 128 < status <= 128 + signal.NSIG - 1 else None


def judge(evidence: Evidence, limits: Limits) -> Verdict:
    """The reason, in order of how strong the evidence is: ours, the kernel's, the status."""
    status = evidence.status
    by = _ended_by(status)

    def verdict(reason: ExecutionReason, detail: str | None) -> Verdict:
        return Verdict(reason, status if by is None else None, by, detail)

    match evidence.killed_for:
        case "timeout":
            return verdict("timeout", f"The program was still running after {limits.timeout:g} s and was stopped.")
        case "cpu_limit":
            return verdict("cpu_limit", _cpu_used(limits))
        case "output_limit":
            return verdict("output_limit", f"The program printed more than {limits.output_kill // MIB} MiB.")
        case "cancelled":
            return verdict("cancelled", "The run was cancelled.")
        case "oom":
            return verdict("oom", f"The program used more than {limits.memory // MIB} MiB of memory.")
    if evidence.oom_kills:
        return verdict("oom", f"The program used more than {limits.memory // MIB} MiB of memory.")
    if status == 0:
        return verdict("ok", None)
    if status is None:
        return verdict("internal_error", "The sandbox ended without saying how the program ended.")
    if evidence.tmp_full:
        return verdict("disk_full", f"The program filled its {limits.tmp // MIB} MiB of disk space.")
    if by is not None:
        if by == signal.SIGXCPU or (evidence.cpu_seconds or 0.0) >= limits.cpu_seconds:
            return verdict("cpu_limit", _cpu_used(limits))
        return verdict("killed", f"The program was ended by signal {by} ({_signal_name(by)}).")
    if evidence.pids_refused:
        return verdict("pids_limit", f"The program wanted more than {limits.pids} processes and threads.")
    return verdict("error", f"The program ended with exit code {status}.")


def _cpu_used(limits: Limits) -> str:
    return f"The program used more than {limits.cpu_seconds} s of processor time."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"
