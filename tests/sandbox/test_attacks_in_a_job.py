"""Hostile code as a model's answer: through writing, review, sandbox and conclusion, a person is told what happened."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from adapters.blob_store import LocalBlobStore
from adapters.critic.critic import RuffBanditCritic
from adapters.ports import CodeWriter, Critic, Review
from processors.codegen import codegen
from processors.conclusion import conclusion
from processors.critic import critic
from processors.execution import execution
from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.limits import MIB, Limits
from sandbox.runner import PooledSandbox
from schemas.analyses import AnalysisCompleted, AnalysisFailed, AnalysisPlanned, CodeExecuted, Task
from schemas.base import BlobRef, EventData
from schemas.documents import DocumentDescription
from schemas.plans import AnalysisPlan, FreeForm
from tests.events import event_of
from tests.sandbox.suite import OWN_PLACE, escapes

_STAGES = (codegen, critic, execution, conclusion)
_NOTHING = BlobRef(sha256="0" * 64, size=0, media_type="image/png")
# What ends in few words: the rest of the suite is about walls, this about what people are told.
_ANSWERS = {
    "memfd_bomb": "memory",
    "sleeper": "still running",
    "status_lies": "signal 9",
    "output_replaced": "no usable result",
    "json_bombs": "no usable result",
    "odd_output": "no usable result",
    "terminal_injection": "no usable result",
    "deceiving_words": "no usable result",
    "sockets": "no usable result",
}


class HostileWriter(CodeWriter):
    """A model that answers every request with the same attack, in two wordings."""

    def __init__(self, attack: str) -> None:
        self._code = f"import os\nos.environ['SBX_ATTACK'] = '1'\n{(OWN_PLACE / f'{attack}.py').read_text()}"

    @property
    def name(self) -> str:
        return "hostile"

    async def write(self, task: Task, document: DocumentDescription, *, variant: int, feedback: str | None) -> str:
        return f"{self._code}\n# {variant}"


class CarelessCritic(Critic):
    """Lets everything through: the sandbox is the wall."""

    async def review(self, code: str) -> Review:
        return Review(approved=True, findings=())


async def _job(ports: dict[str, Any]) -> list[EventData]:
    """Every event of a job, in order, from a free-form plan to its end."""
    document = DocumentDescription(kind="chart", width=10, height=10)
    description = await ports["blobs"].put(document.model_dump_json().encode(), "application/json")
    plan = AnalysisPlan(steps=(FreeForm(question="anything"),))
    task = Task(question="?", description=description, picture=_NOTHING, plan=plan, planner="test")
    events: list[EventData] = [AnalysisPlanned(task=task, confidence=1.0)]
    for data in events:
        for stage in _STAGES:
            if isinstance(data, stage.consumes):
                events.extend(await stage(event_of(data), ports))
    return events


def _is_plain(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cf") and character not in "\n\t" for character in text)


@pytest.mark.parametrize("reviewed", [False, True], ids=["careless critic", "real critic"])
@pytest.mark.parametrize("attack", _ANSWERS)
async def test_job_ends_with_a_reason_people_understand_when_the_code_is_hostile(
    attack: str, reviewed: bool, sandbox_data: Path, sandbox: PooledSandbox, tmp_path: Path
) -> None:
    real = RuffBanditCritic()
    limits = Limits(timeout=1.0 if attack == "sleeper" else 20.0, memory=256 * MIB)
    runner = PooledSandbox(BubblewrapBackend(sandbox_data), limits)
    ports = {
        "blobs": LocalBlobStore(tmp_path),
        "code_writer": HostileWriter(attack),
        "critic": real if reviewed else CarelessCritic(),
        "sandbox": runner,
    }
    events = await _job(ports)
    await runner.close()
    await real.close()
    ended = [event for event in events if isinstance(event, AnalysisFailed | AnalysisCompleted)]
    assert len(ended) == 1
    (end,) = ended
    assert isinstance(end, AnalysisFailed), end
    assert _is_plain(end.reason)
    assert _ANSWERS[attack] in end.reason or (reviewed and "rejected by the review" in end.reason), end.reason
    for event in events:
        if isinstance(event, CodeExecuted):
            assert escapes(event.execution.stdout) == []
            assert "\0" not in event.execution.stdout + event.execution.stderr
            assert event.execution.reason != "internal_error"
