"""`LlmCodeWriter`: a language model writes the program of a free-form question."""

from __future__ import annotations

import json
import re

from adapters.llm.insist import insist
from adapters.llm.json_answers import without_thinking
from adapters.llm.outline import DATA_RULE, fenced_outline
from adapters.ports import ChatRequest, CodeWriter, LanguageModel
from schemas.analyses import Task
from schemas.documents import DocumentDescription

MAX_CODE_BYTES = 20_000
_MAX_FEEDBACK = 2_000
_FENCED = re.compile(r"```[ \t]*[a-zA-Z0-9]*[ \t]*\n(.*?)```", re.DOTALL)


class LlmCodeWriter(CodeWriter):
    """Writes Python with any LanguageModel. The program is untrusted: the critic reads and the sandbox runs it.

    Variant 0 and 1 ask for different ways to the answer, so that two programs that agree say more than one twice.
    """

    def __init__(self, model: LanguageModel, *, max_tokens: int = 2048) -> None:
        self._model = model
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        return self._model.name

    async def write(self, task: Task, document: DocumentDescription, *, variant: int, feedback: str | None) -> str:
        """A program for the task. Raises RetryLater, or ModelFault when two answers hold no program."""
        free_form = task.plan.free_form if task.plan else None
        question = free_form.question if free_form else task.question
        prompt = f"{fenced_outline(document, values=True)}\n\nQuestion: {json.dumps(question, ensure_ascii=False)}"
        if feedback:
            # What a program printed may repeat the picture's text: data, like the document.
            said = json.dumps(feedback[:_MAX_FEEDBACK], ensure_ascii=False).replace("<", "\\u003c")
            prompt += f"\n\nAn earlier program was refused or failed, for this reason (data too): {said}"
        request = ChatRequest(
            purpose="code",
            system=_SYSTEM + _WAYS[variant % len(_WAYS)],
            prompt=prompt,
            max_tokens=self._max_tokens,
            temperature=0.0 if variant == 0 else 0.4,
            seed=variant,
        )
        return await insist(self._model, request, extract_code)


def extract_code(answer: str) -> str:
    """The program in an answer: its longest fenced block, or all of it where it is plainly nothing but a program.

    Raises ValueError when there is none or it is too large.
    """
    text = without_thinking(answer)
    code = max(_FENCED.findall(text), key=len, default="")
    if not code.strip() and "```" not in text and text.lstrip().startswith(("import ", "from ", "#")):
        code = text
    code = code.strip()
    if not code:
        raise ValueError("there is no program between ```python and ``` in the answer")
    if len(code.encode("utf-8", "surrogatepass")) > MAX_CODE_BYTES:
        raise ValueError(f"the program is longer than {MAX_CODE_BYTES} bytes")
    return code + "\n"


_SYSTEM = f"""\
You write one Python 3.11 program that answers a question about a document.
{DATA_RULE}
The program
- reads the whole document from /inputs/document.json:
  {{"kind", "total", "currency", "date", "figures": [{{"label", "value", "unit", "role", "text"}}],
  "tables": [{{"name", "columns": [{{"name", "kind", "unit"}}], "rows": [[{{"text", "value"}}]], "summary_rows": […]}}],
  "lines": [{{"text"}}]}}. Each value is a decimal string or null: use decimal.Decimal, never float;
- writes one JSON object to /tmp/out/result.json:
  {{"kind": "number" | "text" | "rows" | "nothing", "value": decimal string or null, "unit": string or null,
  "text": string or null, "rows": [{{"label", "value"}}],
  "used": [{{"kind": "figure", "figure": index}} | {{"kind": "cell", "table", "row", "column"}} |
  {{"kind": "line", "line": index}}]}} where used names all that the answer rests on;
- writes {{"kind": "nothing"}} when the document does not hold the answer: never a guess;
- imports only json, decimal, datetime, re, math, statistics, fractions, collections, itertools;
- opens no other file, no network, no process, and takes no input.
Answer with the program alone, between ```python and ```.
"""

_WAYS = (
    "Take the shortest way that is right.",
    "Work from the rows of the tables and the lines alone: build a plain list of what the question is about, then loop "
    "over it step by step. Do not use figures of role total or subtotal.",
)
