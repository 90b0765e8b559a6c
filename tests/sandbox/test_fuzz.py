"""Whatever is run, a run ends in time and for a reason, and leaves nothing.

`make sandbox-long` is the long form, with 500 runs of each kind.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.limits import MIB
from sandbox.runner import PooledSandbox
from tests.sandbox.fuzz_programs import random_bytes, random_program, random_tree
from tests.sandbox.quick import QUICK
from tests.sandbox.suite import mounts_of_boxes

_RUNS = int(os.environ.get("SANDBOX_FUZZ", "24"))
_LIMITS = replace(QUICK, timeout=2.0, memory=192 * MIB)
_AT_ONCE = 4


def _descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


@pytest.mark.timeout(60 + 4 * _RUNS)
@pytest.mark.parametrize("make", [random_bytes, random_program, random_tree])
async def test_run_ends_in_time_for_a_reason_and_leaves_nothing_whatever_is_run(
    sandbox: PooledSandbox, boxes_left: Callable[[], list[Path]], make: Callable[[int], bytes]
) -> None:
    await asyncio.gather(*(sandbox.run("pass", {}) for _ in range(_AT_ONCE)))
    before = len(_descriptors())
    mounts = mounts_of_boxes()
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> str:
        async with slots:
            outcome = await sandbox.run(make(number), {}, limits=_LIMITS)
        result = outcome.result
        assert result.reason not in ("internal_error", "sandbox_unavailable", "cancelled"), (number, result)
        assert result.wall_seconds < _LIMITS.timeout + 1, (number, result)
        assert result.reason == "ok" or result.detail, number
        assert sum(map(len, outcome.artefacts.values())) <= _LIMITS.artefacts
        result.model_dump_json().encode()
        return result.reason

    started = time.monotonic()
    reasons = await asyncio.gather(*(one(number) for number in range(_RUNS)))
    assert time.monotonic() - started < _RUNS * (_LIMITS.timeout + 1)
    assert "error" in reasons or "ok" in reasons
    assert boxes_left() == []
    assert len(_descriptors()) == before
    assert mounts_of_boxes() == mounts
