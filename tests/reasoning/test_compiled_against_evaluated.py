"""Two implementations of the plan vocabulary – the compiled program and the evaluator – agree on anything."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.compile import compile_plan
from processors.evaluate import evaluate
from reasoning import papers
from reasoning.running import run
from schemas import plans
from schemas.documents import Box, Cell, Column, DocumentDescription, Figure, Table
from schemas.plan_bounds import out_of_bounds
from schemas.plans import AnalysisPlan

TEXTS = st.sampled_from(
    ["Pen", "pen", "Ink  pot", "Größe", "", " ", "€ 12", 'it\'s "quoted"', "\u202eevil", "März", "a\nb"]
)
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=2) | st.just(
    Decimal("0.125")
)
CELLS = st.builds(Cell, text=TEXTS, value=st.none() | NUMBERS)
UNITS = st.sampled_from([None, "EUR", "USD", "%"])
BOX = Box(x=0, y=0, width=1, height=1)


@st.composite
def documents(draw: st.DrawFn) -> DocumentDescription:
    kinds = ("text", "text", "number", "money", "percent")
    columns = tuple(Column(name=draw(TEXTS), kind=kind, unit=draw(UNITS)) for kind in kinds)
    row = st.tuples(*[CELLS] * len(columns))
    table = Table(
        columns=columns,
        rows=tuple(draw(st.lists(row, max_size=6))),
        summary_rows=tuple(draw(st.lists(row, max_size=2))),
    )
    roles = st.sampled_from(["total", "subtotal", "tax", "discount", "other", "data_point"])
    figure = st.builds(
        Figure,
        label=TEXTS,
        value=NUMBERS,
        unit=UNITS,
        role=roles,
        text=TEXTS,
        confidence=st.just(0.9),
        box=st.just(BOX),
    )
    figures = tuple(draw(st.lists(figure, min_size=1, max_size=5)))
    return DocumentDescription(
        kind=draw(st.sampled_from(["invoice", "unknown"])),
        currency=draw(st.sampled_from([None, "EUR"])),
        total_figure=draw(st.none() | st.integers(0, len(figures) - 1)),
        figures=figures,
        tables=(table,),
        width=10,
        height=10,
    )


@st.composite
def any_plans(draw: st.DrawFn, document: DocumentDescription) -> AnalysisPlan:
    figure = st.integers(0, len(document.figures) - 1)
    figures = st.lists(figure, min_size=1, max_size=4).map(tuple)
    column = st.integers(0, 4)
    row = st.integers(0, max(0, len(document.tables[0].rows) - 1))
    maybe = lambda strategy: st.none() | strategy  # noqa: E731
    condition: st.SearchStrategy[Any] = (
        st.builds(
            plans.RowsCondition, rows=st.lists(row, max_size=3).map(tuple) if document.tables[0].rows else st.just(())
        )
        | st.builds(
            plans.TextCondition,
            column=column,
            texts=st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
            match=st.sampled_from(["equals", "contains"]),
        )
        | st.builds(
            plans.NumberCondition, column=column, compare=st.sampled_from(["lt", "le", "gt", "ge", "eq"]), value=NUMBERS
        )
        | st.builds(plans.NumberCondition, column=column, compare=st.just("between"), value=NUMBERS, upper=NUMBERS)
    )
    where = st.lists(condition, max_size=2).map(tuple)
    column_values = st.builds(plans.ColumnValues, table=st.just(0), column=column, where=where, labels=maybe(column))
    row_values = st.builds(
        plans.RowValues,
        table=st.just(0),
        row=st.integers(0, max(0, len(document.tables[0].rows) - 1)),
        columns=st.lists(column, min_size=1, max_size=3, unique=True).map(tuple),
    )
    values = column_values | st.builds(plans.FigureValues, figures=figures)
    values = values | row_values if document.tables[0].rows else values
    zero = st.just(0)
    numbers: list[st.SearchStrategy[Any]] = [
        st.builds(plans.LookupFigure, figure=figure),
        st.builds(plans.Aggregate, op=st.sampled_from(["sum", "mean", "median", "min", "max"]), values=values),
        st.builds(plans.Rank, op=st.sampled_from(["argmax", "argmin"]), values=values, n=st.integers(1, 4)),
        st.builds(plans.Count, table=zero, where=where, distinct=maybe(column)),
        st.builds(plans.CountFigures, figures=figures),
    ]
    last: list[st.SearchStrategy[Any]] = [
        st.builds(plans.ListRows, table=zero, labels=column, column=maybe(column), where=where),
        st.builds(
            plans.Group,
            table=zero,
            by=column,
            column=column,
            aggregate=st.sampled_from(["sum", "mean", "count", "min", "max"]),
            where=where,
            order=st.sampled_from(["document", "greatest", "least"]),
            n=maybe(st.integers(1, 3)),
        ),
        st.builds(plans.Trend, values=values),
        st.builds(plans.LineCheck, table=zero, quantity=column, unit_price=column, amount=column),
        st.builds(
            plans.Reconcile,
            lines=maybe(column_values),
            subtotal=maybe(figure),
            added=st.lists(figure, max_size=2).map(tuple),
            deducted=st.lists(figure, max_size=2).map(tuple),
            total=maybe(figure),
            tax_included=st.booleans(),
        ),
        st.builds(
            plans.BalanceCheck,
            table=zero,
            balance=maybe(column),
            amount=maybe(column),
            debit=maybe(column),
            credit=maybe(column),
            opening=maybe(figure),
            closing=maybe(figure),
            newest_first=st.booleans(),
        ),
        st.builds(plans.Attribute, attribute=st.sampled_from(["kind", "date", "currency"])),
        st.builds(plans.Summarise, figures=figures),
        st.builds(
            plans.Arithmetic,
            op=st.sampled_from(["add", "difference", "product", "ratio", "share", "change"]),
            left=st.just(0),
            right=st.just(1),
            absolute=st.booleans(),
        ),
    ]
    if any(entry.role == "total" for entry in document.figures):
        numbers.append(st.just(plans.LookupRole(role="total")))
    if document.tables[0].rows:
        numbers.append(st.builds(plans.LookupCell, table=zero, row=row, column=column))
        last.append(st.builds(plans.CellText, table=zero, row=row, column=column))
    first = [draw(st.one_of(numbers)), draw(st.one_of(numbers))]
    return AnalysisPlan(steps=(*first, draw(st.one_of(last + numbers))))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_compiled_program_agrees_with_evaluation_when_plan_is_any(data: st.DataObject) -> None:
    document = data.draw(documents())
    plan = data.draw(any_plans(document))
    assert out_of_bounds(plan, document) is None
    code = compile_plan(plan, document)
    code.encode("ascii", "strict") if "±" not in code and "×" not in code else None
    with tempfile.TemporaryDirectory() as folder:
        claimed = run(code, document, Path(folder))
    expected = evaluate(plan, document)
    assert claimed.model_dump(exclude={"used"}) == expected.model_dump(exclude={"used"})
    assert set(claimed.used) == set(expected.used)


def test_plan_is_out_of_bounds_when_it_names_what_is_not_there() -> None:
    document = papers.invoice()
    for step in (
        plans.LookupFigure(figure=9),
        plans.LookupRole(role="shipping"),
        plans.LookupCell(table=0, row=4, column=0),
        plans.Aggregate(op="sum", values=plans.ColumnValues(table=1, column=0)),
        plans.PrintedText(line=2, text="not printed", label="number"),
    ):
        assert out_of_bounds(AnalysisPlan(steps=(step,)), document)


def test_plan_is_refused_when_a_step_uses_a_later_one() -> None:
    with pytest.raises(ValueError, match="does not come before"):
        AnalysisPlan(steps=(plans.Arithmetic(op="add", left=0, right=1),))
