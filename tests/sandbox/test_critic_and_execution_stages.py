"""The stages `critic` and `execution` on the real critic, the real sandbox and a real blob store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.blob_store import LocalBlobStore
from adapters.critic.critic import RuffBanditCritic
from adapters.metering import Meter, set_meter
from adapters.ports import SandboxOutcome, SandboxRunner
from processors.compile import compile_plan
from processors.critic import critic as critic_stage
from processors.execution import execution as execution_stage
from sandbox.runner import PooledSandbox
from schemas.analyses import (
    AnalysisFailed,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    ExecutionReason,
    ExecutionResult,
    Program,
    Task,
)
from schemas.base import BlobRef
from schemas.documents import Box, DocumentDescription, Figure
from schemas.errors import RetryLater
from schemas.plans import Aggregate, AnalysisPlan, FigureValues, LookupRole
from schemas.results import parse_result
from tests.events import event_of

_BOX = Box(x=0, y=0, width=10, height=10)
_DOCUMENT = DocumentDescription(
    kind="chart",
    width=100,
    height=100,
    figures=tuple(
        Figure(label=label, value=Decimal(value), unit="EUR", role=role, text=value, confidence=0.99, box=_BOX)
        for label, value, role in (
            ("May", "10.10", "data_point"),
            ("June", "20.25", "data_point"),
            ("All", "30.35", "total"),
        )
    ),
)
_NOTHING = BlobRef(sha256="0" * 64, size=0, media_type="image/png")


@pytest.fixture
async def ports(sandbox: PooledSandbox, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    reviewer = RuffBanditCritic()
    yield {"critic": reviewer, "sandbox": sandbox, "blobs": LocalBlobStore(tmp_path / "blobs")}
    await reviewer.close()


async def _task(ports: dict[str, Any], plan: AnalysisPlan | None = None) -> Task:
    description = await ports["blobs"].put(_DOCUMENT.model_dump_json().encode(), "application/json")
    return Task(question="?", description=description, picture=_NOTHING, plan=plan, planner="test")


async def _reviewed(ports: dict[str, Any], code: str, cross_check: str | None = None) -> CodeReviewed:
    program = Program(attempt=1, author="compiled", code=code, cross_check=cross_check)
    (reviewed,) = await critic_stage(event_of(CodeGenerated(task=await _task(ports), program=program)), ports)
    assert isinstance(reviewed, CodeReviewed)
    return reviewed


async def test_compiled_program_is_approved_and_answers_when_it_goes_through_both_stages(ports: dict[str, Any]) -> None:
    plan = AnalysisPlan(steps=(Aggregate(op="sum", values=FigureValues(figures=(0, 1))), LookupRole(role="total")))
    reviewed = await _reviewed(ports, compile_plan(plan, _DOCUMENT))
    assert reviewed.approved, reviewed.findings
    assert [finding for finding in reviewed.findings if finding.severity != "info"] == []
    meter = Meter(tenant="local", stage="execution", cause="cause")
    set_meter(meter)
    (executed,) = await execution_stage(event_of(reviewed), ports)
    set_meter(None)
    assert isinstance(executed, CodeExecuted)
    assert executed.execution.reason == "ok", executed.execution
    assert parse_result(executed.execution.result)
    assert "30.35" in (executed.execution.result or "")
    for artefact in executed.execution.artefacts:
        assert (await ports["blobs"].get(artefact.blob)).startswith(b"\x89PNG")
    assert meter.cpu_seconds > 0


async def test_artefacts_are_stored_by_content_when_the_program_writes_some(ports: dict[str, Any]) -> None:
    code = (
        "import os\nopen(os.environ['SBX_OUT'] + '/a.csv', 'w').write('1,2')\nopen('/tmp/out/b.csv', 'w').write('1,2')"
    )
    (executed,) = await execution_stage(event_of(await _reviewed(ports, code)), ports)
    first, second = executed.execution.artefacts
    assert (first.name, second.name) == ("a.csv", "b.csv")
    assert first.blob == second.blob
    assert first.blob.media_type == "text/csv"
    assert await ports["blobs"].get(first.blob) == b"1,2"


async def test_program_is_not_run_when_the_review_rejected_it(ports: dict[str, Any]) -> None:
    reviewed = await _reviewed(ports, "import socket\nprint(socket)")
    assert not reviewed.approved
    assert not await execution_stage(event_of(reviewed), ports)


async def test_cross_check_runs_too_when_it_is_approved(ports: dict[str, Any]) -> None:
    (executed,) = await execution_stage(event_of(await _reviewed(ports, "print(1)", "print(2)")), ports)
    assert executed.cross_check is not None
    assert executed.cross_check.stdout == "2\n"


async def test_cross_check_is_left_out_with_a_remark_when_it_is_rejected(ports: dict[str, Any]) -> None:
    reviewed = await _reviewed(ports, "print(1)", "import socket")
    assert reviewed.approved
    assert reviewed.program.cross_check is None
    assert any("cross-check was left out" in finding.message for finding in reviewed.findings)


async def test_failure_is_reported_with_its_output_when_the_program_raises(ports: dict[str, Any]) -> None:
    (executed,) = await execution_stage(event_of(await _reviewed(ports, "print(1 / 0)", "print(2)")), ports)
    assert executed.execution.reason == "error"
    assert "ZeroDivisionError" in executed.execution.stderr
    assert executed.cross_check is None


class _EndsWith(SandboxRunner):
    """A sandbox whose every run ends for one reason."""

    def __init__(self, reason: ExecutionReason) -> None:
        self._reason = reason

    @property
    def name(self) -> str:
        return "fake"

    async def run(self, code: str, inputs: Mapping[str, bytes]) -> SandboxOutcome:
        json.loads(inputs["document.json"])
        return SandboxOutcome(ExecutionResult(reason=self._reason, backend="fake", detail="why"), {})


async def test_analysis_fails_with_the_reason_when_nothing_can_be_run_here(ports: dict[str, Any]) -> None:
    reviewed = await _reviewed(ports, "print(1)")
    outputs = await execution_stage(event_of(reviewed), {**ports, "sandbox": _EndsWith("sandbox_unavailable")})
    (failed,) = outputs
    assert isinstance(failed, AnalysisFailed)
    assert failed.stage == "execution"
    assert "why" in failed.reason


@pytest.mark.parametrize("reason", ["cancelled", "internal_error"])
async def test_run_is_tried_again_when_the_sandbox_was_interrupted(
    ports: dict[str, Any], reason: ExecutionReason
) -> None:
    reviewed = await _reviewed(ports, "print(1)")
    with pytest.raises(RetryLater):
        await execution_stage(event_of(reviewed), {**ports, "sandbox": _EndsWith(reason)})
