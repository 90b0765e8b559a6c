"""`LlmPlanner`: a language model turns the question into a typed plan, constrained by the plan's JSON Schema."""

from __future__ import annotations

import json
from typing import get_args

from pydantic import Field, ValidationError

from adapters.llm.insist import insist
from adapters.llm.outline import DATA_RULE, fenced_outline
from adapters.ports import ChatRequest, LanguageModel, Planned, Planner
from schemas.base import Value
from schemas.documents import DocumentDescription
from schemas.errors import ModelFault
from schemas.plan_bounds import out_of_bounds
from schemas.plans import AnalysisPlan, FreeForm, Step

# A plan of a language model that fits its document is likely right, and nothing in it tells how likely: what a model
# says about its own confidence is no evidence.
CONFIDENCE = 0.7
_MAX_QUESTION = 2000


class _Planning(Value):
    """The answer asked for: a plan, or null and the reason in one sentence."""

    plan: AnalysisPlan | None
    reason: str = Field(default="", max_length=400)


class _PointsOutside(ValueError):
    """The plan names what the document does not have."""


class LlmPlanner(Planner):
    """Plans with any LanguageModel. What it returns points inside the document, always.

    A plan that still points outside after one correction counts as not understood rather than as a fault: asked
    again, the memo would give the same plan for ever.
    """

    def __init__(self, model: LanguageModel, *, max_tokens: int = 1024) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self._schema = _Planning.model_json_schema()

    @property
    def name(self) -> str:
        return self._model.name

    async def plan(self, question: str, document: DocumentDescription) -> Planned:
        """The plan of a question. Raises RetryLater and ModelFault as the model does."""
        if not question.strip():
            return Planned(plan=None, confidence=0.0, reason="There is no question.")
        request = ChatRequest(
            purpose="plan",
            system=_SYSTEM,
            prompt=(
                f"{fenced_outline(document, values=False)}\n\n"
                f"Question: {json.dumps(question[:_MAX_QUESTION], ensure_ascii=False)}"
            ),
            schema=self._schema,
            max_tokens=self._max_tokens,
        )
        try:
            planning = await insist(self._model, request, lambda answer: _read(answer, document))
        except ModelFault as error:
            if isinstance(error.__cause__, _PointsOutside):
                return Planned(plan=None, confidence=0.0, reason="The plan names what the document does not show.")
            raise
        if planning.plan is None:
            reason = planning.reason or "The question cannot be answered from this document."
            return Planned(plan=None, confidence=0.0, reason=reason)
        plan = planning.plan
        if plan.free_form is not None:
            # The question goes on as it was asked, not as a model that has read the picture's text words it.
            plan = AnalysisPlan(steps=(FreeForm(question=question[:_MAX_QUESTION]),), assumptions=plan.assumptions)
        return Planned(plan=plan, confidence=CONFIDENCE)


def _read(answer: str, document: DocumentDescription) -> _Planning:
    try:
        planning = _Planning.model_validate_json(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    problem = out_of_bounds(planning.plan, document) if planning.plan else None
    if problem is not None:
        raise _PointsOutside(problem)
    return planning


def _vocabulary() -> str:
    """The steps with their fields and meaning, from the schema itself, so that the prompt cannot lag behind it."""
    lines = []
    for step in get_args(get_args(Step)[0]):
        fields = ", ".join(name for name in step.model_fields if name != "op")
        names = " | ".join(get_args(step.model_fields["op"].annotation))
        lines.append(f"- {names} ({fields}): {' '.join((step.__doc__ or '').split())}")
    return "\n".join(lines)


_SYSTEM = f"""\
You turn a question about a document into a plan of typed steps. You compute nothing yourself: the steps are run later.
{DATA_RULE}
Tables, columns, rows, figures, lines and earlier steps are named by their index from 0. The last step is the answer.
"values" is {{"source":"column","table":T,"column":C,"where":[…],"labels":C}} or {{"source":"figures","figures":[…]}}.
"where" is a list of {{"by":"text","column":C,"texts":[…]}}, {{"by":"number","column":C,"compare":"gt","value":"10"}} or
{{"by":"rows","rows":[…],"because":"…"}}.
Steps:
{_vocabulary()}
Use a printed figure where the document states the answer. Use free_form alone, and only where no other step fits.
"assumptions" lists, in short sentences, what the question leaves open and you took for granted; [] when nothing.
When the document cannot answer the question, plan is null and reason says why in one sentence.
Example: "What is the highest amount?" over table 0 with names in column 0 and amounts in column 2 →
{{"plan":{{"steps":[{{"op":"argmax","values":{{"source":"column","table":0,"column":2,"where":[],"labels":0}},"n":1}}]}},\
"reason":""}}
Answer with one JSON object."""
