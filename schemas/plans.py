"""The typed plan: steps from a closed vocabulary over a document's tables and figures.

A plan names tables, columns, rows, figures and text lines by their index in the document it was made for, so it can
be read in one way only. A step may use the result of an earlier step, also by index. The last step is the answer.
`schemas/plan_bounds.py` rejects plans that point outside their document.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.base import Amount, Value
from schemas.documents import FigureRole

MAX_STEPS = 24

Index = Annotated[int, Field(ge=0, le=100_000)]
ShortText = Annotated[str, Field(max_length=400)]


class RowsCondition(Value):
    """These rows only; `because` says what they have in common, e.g. "March to June"."""

    by: Literal["rows"] = "rows"
    rows: Annotated[tuple[Index, ...], Field(max_length=2000)]
    because: ShortText = ""


class TextCondition(Value):
    """Rows whose cell equals (or contains) one of the texts; case and spacing do not count."""

    by: Literal["text"] = "text"
    column: Index
    texts: Annotated[tuple[ShortText, ...], Field(min_length=1, max_length=50)]
    match: Literal["equals", "contains"] = "equals"


class NumberCondition(Value):
    """Rows whose cell's number compares so; `between` is inclusive of `value` and `upper`."""

    by: Literal["number"] = "number"
    column: Index
    compare: Literal["lt", "le", "gt", "ge", "eq", "between"]
    value: Amount
    upper: Amount | None = None

    @model_validator(mode="after")
    def _upper_belongs_to_between(self) -> NumberCondition:
        if (self.compare == "between") != (self.upper is not None):
            raise ValueError("upper is given with between, and only then")
        return self


Condition = Annotated[RowsCondition | TextCondition | NumberCondition, Field(discriminator="by")]
Conditions = Annotated[tuple[Condition, ...], Field(max_length=8)]


class ColumnValues(Value):
    """The numbers of a column, in the rows that fulfil every condition. Summary rows are never among them."""

    source: Literal["column"] = "column"
    table: Index
    column: Index
    where: Conditions = ()
    labels: Index | None = Field(default=None, description="text column that names the rows")


class FigureValues(Value):
    """The numbers of these figures, named by their labels (the points of a chart, say)."""

    source: Literal["figures"] = "figures"
    figures: Annotated[tuple[Index, ...], Field(min_length=1, max_length=500)]


class RowValues(Value):
    """The numbers of one row under several columns, named by their headings: one account over several years, say."""

    source: Literal["row"] = "row"
    table: Index
    row: Index
    columns: Annotated[tuple[Index, ...], Field(min_length=1, max_length=100)]
    label: ShortText = ""


Values = Annotated[ColumnValues | FigureValues | RowValues, Field(discriminator="source")]


class LookupFigure(Value):
    """The figure at an index."""

    op: Literal["figure"] = "figure"
    figure: Index


class LookupRole(Value):
    """The one figure of a role: the document's total where the role is `total`, else the last of that role."""

    op: Literal["role"] = "role"
    role: FigureRole


class LookupCell(Value):
    """One cell. `summary` reads the table's summary rows; `label` names the row for people."""

    op: Literal["cell"] = "cell"
    table: Index
    row: Index
    column: Index
    summary: bool = False
    label: ShortText = ""


class Aggregate(Value):
    """One number from many. Mean and median are rounded half up to cents, or to the finest place of their inputs."""

    op: Literal["sum", "mean", "median", "min", "max"]
    values: Values


class Rank(Value):
    """The `n` greatest or least values with their names; ties with the last one are all given."""

    op: Literal["argmax", "argmin"]
    values: Values
    n: Annotated[int, Field(ge=1, le=100)] = 1


class Count(Value):
    """How many rows fulfil the conditions; with `distinct`, how many different texts that column has in them."""

    op: Literal["count"] = "count"
    table: Index
    where: Conditions = ()
    distinct: Index | None = None


class CountFigures(Value):
    """How many figures these are (the points of a chart, say)."""

    op: Literal["count_figures"] = "count_figures"
    figures: Annotated[tuple[Index, ...], Field(max_length=500)]


class ListRows(Value):
    """The rows that fulfil the conditions: each row's name and, where given, one column's number."""

    op: Literal["list"] = "list"
    table: Index
    labels: Index
    column: Index | None = None
    where: Conditions = ()


class Arithmetic(Value):
    """Two earlier steps' numbers. `ratio` is left / right, `share` the same in percent, `change` (right - left) /
    left in percent, `difference` left - right, or its size when `absolute`."""

    op: Literal["add", "difference", "product", "ratio", "share", "change"]
    left: Index
    right: Index
    absolute: bool = False


class Group(Value):
    """Sums (means, counts …) by the texts of a column, greatest first; `n` keeps that many."""

    op: Literal["group"] = "group"
    table: Index
    by: Index
    column: Index
    aggregate: Literal["sum", "mean", "count", "min", "max"] = "sum"
    where: Conditions = ()
    order: Literal["document", "greatest", "least"] = "document"
    n: Annotated[int, Field(ge=1, le=100)] | None = None


class Trend(Value):
    """From the first value to the last, in the document's order: change, and whether all steps go one way."""

    op: Literal["trend"] = "trend"
    values: Values


class LineCheck(Value):
    """Quantity × unit price = amount in each row, to the cent."""

    op: Literal["line_check"] = "line_check"
    table: Index
    quantity: Index
    unit_price: Index
    amount: Index


class Reconcile(Value):
    """Lines → subtotal → total. What is None is not checked; added and deducted figures count by their size.

    `tax_included` means that prices contain the tax, so that it is not added.
    """

    op: Literal["reconcile"] = "reconcile"
    lines: ColumnValues | None = None
    subtotal: Index | None = None
    added: Annotated[tuple[Index, ...], Field(max_length=20)] = ()
    deducted: Annotated[tuple[Index, ...], Field(max_length=20)] = ()
    total: Index | None = None
    tax_included: bool = False


class BalanceCheck(Value):
    """Opening balance ± movements = closing balance, and each row's running balance where there is a column.

    `amount` holds signed movements; or `debit` and `credit` hold each side. Either sign convention is accepted, as
    long as one holds for all rows: a bank account's debits lower the balance, a line of credit's raise it.
    """

    op: Literal["balance_check"] = "balance_check"
    table: Index
    balance: Index | None = None
    amount: Index | None = None
    debit: Index | None = None
    credit: Index | None = None
    opening: Index | None = Field(default=None, description="index of the figure that states it")
    closing: Index | None = Field(default=None, description="index of the figure that states it")
    newest_first: bool = Field(default=False, description="rows run backwards in time")


class Attribute(Value):
    """What the document is as a whole."""

    op: Literal["attribute"] = "attribute"
    attribute: Literal["kind", "date", "currency"]


class PrintedText(Value):
    """A text that stands in a line of the document, word for word; `label` is what it is labelled as."""

    op: Literal["text"] = "text"
    line: Index
    text: Annotated[str, Field(min_length=1, max_length=400)]
    label: ShortText
    labelled: bool = Field(default=True, description="false when no label says so and its place suggests it")


class CellText(Value):
    """The text of one cell."""

    op: Literal["cell_text"] = "cell_text"
    table: Index
    row: Index
    column: Index
    label: ShortText = ""


class Summarise(Value):
    """The document in short: kind, date, currency and these figures."""

    op: Literal["summarise"] = "summarise"
    figures: Annotated[tuple[Index, ...], Field(max_length=20)] = ()


class FreeForm(Value):
    """What the vocabulary does not cover: a language model writes the code, and an independent way must agree."""

    op: Literal["free_form"] = "free_form"
    question: Annotated[str, Field(min_length=1, max_length=2000)]


Step = Annotated[
    LookupFigure
    | LookupRole
    | LookupCell
    | Aggregate
    | Rank
    | Count
    | CountFigures
    | ListRows
    | Arithmetic
    | Group
    | Trend
    | LineCheck
    | Reconcile
    | BalanceCheck
    | Attribute
    | PrintedText
    | CellText
    | Summarise
    | FreeForm,
    Field(discriminator="op"),
]


class AnalysisPlan(Value):
    """Steps to an answer. A free-form step stands alone.

    `assumptions` are what the planner took for granted, in short sentences; an answer with any is not stated as fact.
    """

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]
    assumptions: Annotated[tuple[ShortText, ...], Field(max_length=8)] = ()

    @model_validator(mode="after")
    def _steps_build_on_earlier_ones(self) -> AnalysisPlan:
        for position, step in enumerate(self.steps):
            if isinstance(step, FreeForm) and len(self.steps) > 1:
                raise ValueError("a free-form step stands alone")
            if isinstance(step, Arithmetic):
                if max(step.left, step.right) >= position:
                    raise ValueError(f"step {position} uses a step that does not come before it")
                if any(not isinstance(self.steps[used], NUMBER_STEPS) for used in (step.left, step.right)):
                    raise ValueError(f"step {position} uses a step that gives no number")
        return self

    @property
    def free_form(self) -> FreeForm | None:
        """The free-form step when this plan is one."""
        first = self.steps[0]
        return first if isinstance(first, FreeForm) else None


# Steps that give one number, and so can stand in arithmetic.
NUMBER_STEPS = (LookupFigure, LookupRole, LookupCell, Aggregate, Rank, Count, CountFigures, Arithmetic)
