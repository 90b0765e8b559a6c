"""The fuzz of `test_fuzz.py` in a light form on gVisor: never past the limit, never an internal error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backends import BackendName
from sandbox.limits import MIB
from tests.sandbox.fuzz_programs import random_bytes, random_program, random_tree
from tests.sandbox.gvisor import started
from tests.sandbox.quick import QUICK

_LIMITS = replace(QUICK, timeout=2.0, memory=256 * MIB)
_BACKENDS: tuple[BackendName, ...] = ("docker", "runsc")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _BACKENDS)
async def test_gvisor_survives_when_programs_are_random(
    name: BackendName, sandbox_data: Path, engine_url: str, boxes_left: Callable[[], list[Path]]
) -> None:
    sandbox = await started(name, sandbox_data, engine_url)
    programs = [make(number) for make in (random_bytes, random_program, random_tree) for number in range(8)]
    try:
        outcomes = await asyncio.gather(*(sandbox.run(program, {}, limits=_LIMITS) for program in programs))
    finally:
        await sandbox.close()
    for number, outcome in enumerate(outcomes):
        result = outcome.result
        assert result.reason not in ("internal_error", "sandbox_unavailable", "cancelled"), (number, result)
        assert result.wall_seconds < _LIMITS.timeout + 1, (number, result)
        assert result.reason == "ok" or result.detail, number
        assert sum(map(len, outcome.artefacts.values())) <= _LIMITS.artefacts
    assert boxes_left() == []
