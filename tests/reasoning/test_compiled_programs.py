"""Compiled programs read well, pass the review, and stay programs whatever a picture says."""

from __future__ import annotations

import ast
import warnings
from decimal import Decimal
from pathlib import Path

from adapters.critic.critic import RuffBanditCritic
from adapters.planning.embedding import EmbeddingPlanner
from processors.compile import compile_plan
from processors.evaluate import evaluate
from reasoning import papers
from reasoning.questions import PAPERS, QUESTIONS
from reasoning.running import run
from schemas import plans
from schemas.plans import AnalysisPlan

HOSTILE = 'x")\nimport os\nos.system("id")\n#\u202e"""\\'


async def test_compiled_programs_pass_review_and_agree_when_questions_are_plain(
    planner: EmbeddingPlanner, tmp_path: Path
) -> None:
    critic = RuffBanditCritic()
    reviewed: set[tuple[str, ...]] = set()
    try:
        for name, question, _ in QUESTIONS:
            document = PAPERS[name]
            planned = await planner.plan(question, document)
            if planned.plan is None:
                continue
            code = compile_plan(planned.plan, document)
            expected = evaluate(planned.plan, document)
            claimed = run(code, document, tmp_path)
            assert claimed.model_dump(exclude={"used"}) == expected.model_dump(exclude={"used"}), question
            shape = tuple(step.op for step in planned.plan.steps)
            if shape not in reviewed:
                reviewed.add(shape)
                findings = (await critic.review(code)).findings
                assert not [f for f in findings if f.severity != "info"], (question, findings)
    finally:
        await critic.close()
    assert len(reviewed) > 15


def test_compiled_program_holds_texts_as_data_when_they_look_like_code() -> None:
    document = papers.sales()
    table = document.tables[0]
    columns = tuple(column.model_copy(update={"name": HOSTILE}) for column in table.columns)
    hostile = document.model_copy(update={"tables": (table.model_copy(update={"columns": columns}),)})
    where = (plans.TextCondition(column=0, texts=(HOSTILE,)), plans.RowsCondition(rows=(0,), because=HOSTILE))
    values = plans.ColumnValues(table=0, column=3, where=where, labels=1)
    for step in (plans.Aggregate(op="sum", values=values), plans.Rank(op="argmax", values=values)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(compile_plan(AnalysisPlan(steps=(step,)), hostile))
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert imported <= {"contextlib", "json", "matplotlib"}


def test_compiled_program_draws_a_chart_when_there_are_three_rows(tmp_path: Path) -> None:
    document = papers.months()
    values = plans.ColumnValues(table=0, column=1, labels=0)
    plan = AnalysisPlan(steps=(plans.Rank(op="argmax", values=values, n=4),))
    claimed = run(compile_plan(plan, document), document, tmp_path, draw=True)
    assert claimed.value == Decimal(21000)
    assert (tmp_path / "result.json").exists()
