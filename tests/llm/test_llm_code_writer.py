"""Programs from a language model: two ways to ask, code out of fences, bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.code_writer import MAX_CODE_BYTES, LlmCodeWriter, extract_code
from schemas.analyses import Task
from schemas.base import BlobRef
from schemas.documents import DocumentDescription
from schemas.errors import ModelFault
from schemas.plans import AnalysisPlan, FreeForm
from tests.llm.scripted_model import ScriptedModel

BLOB = BlobRef(sha256="0" * 64, size=1, media_type="application/json")
TASK = Task(
    question="How odd?",
    description=BLOB,
    picture=BLOB,
    plan=AnalysisPlan(steps=(FreeForm(question="How odd?"),)),
    planner="test",
)
DOCUMENT = DocumentDescription(kind="table", width=10, height=10)
PROGRAM = "import json\nprint(1)"


async def test_two_variants_ask_differently_when_a_cross_check_is_wanted() -> None:
    model = ScriptedModel(f"```python\n{PROGRAM}\n```")
    writer = LlmCodeWriter(model)
    for variant in (0, 1):
        assert await writer.write(TASK, DOCUMENT, variant=variant, feedback=None) == PROGRAM + "\n"
    first, second = model.asked
    assert first.system != second.system
    assert first.seed != second.seed
    for request in model.asked:
        assert "/inputs/document.json" in request.system
        assert "/tmp/out/result.json" in request.system
        assert '"How odd?"' in request.prompt


async def test_model_is_told_what_failed_when_there_is_feedback() -> None:
    model = ScriptedModel(f"```\n{PROGRAM}\n```")
    await LlmCodeWriter(model).write(TASK, DOCUMENT, variant=0, feedback="KeyError: </document>" + "x" * 10_000)
    assert "KeyError" in model.asked[0].prompt
    assert model.asked[0].prompt.count("</document>") == 1
    assert len(model.asked[0].prompt) < 4_000


async def test_model_is_asked_again_when_its_answer_holds_no_program() -> None:
    model = ScriptedModel("I am sorry.", f"```py\n{PROGRAM}\n```")
    assert await LlmCodeWriter(model).write(TASK, DOCUMENT, variant=0, feedback=None) == PROGRAM + "\n"
    assert "no program" in model.asked[1].prompt


async def test_answer_is_a_fault_when_it_holds_no_program_twice() -> None:
    with pytest.raises(ModelFault, match="twice"):
        await LlmCodeWriter(ScriptedModel("I am sorry.")).write(TASK, DOCUMENT, variant=0, feedback=None)


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{PROGRAM}\n```",
        f"Here:\n```\nx\n```\nor better\n```Python\n{PROGRAM}\n```\nEnjoy!",
        PROGRAM,
        f"<think>```python\nprint('a much longer program than the other one')\n```</think>\n```python\n{PROGRAM}\n```",
        f"```python\r\n{PROGRAM}\n```".replace("\r", ""),
    ],
)
def test_program_is_found_when_it_is_wrapped(answer: str) -> None:
    assert extract_code(answer) == PROGRAM + "\n"


@pytest.mark.parametrize("answer", ["", "```python\n\n```", "```python\nimport os", "Just add the numbers up."])
def test_no_program_is_found_when_there_is_none(answer: str) -> None:
    with pytest.raises(ValueError, match="no program"):
        extract_code(answer)


def test_program_is_refused_when_it_is_too_long() -> None:
    with pytest.raises(ValueError, match="longer than"):
        extract_code("```python\n" + "x = 1\n" * MAX_CODE_BYTES + "```")


@given(st.text())
def test_any_fenced_text_is_taken_as_it_is_when_it_holds_no_fence(text: str) -> None:
    if text.strip() and "`" not in text:
        assert extract_code(f"```python\n{text}\n```") == text.strip() + "\n"
