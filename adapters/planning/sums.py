"""Plans for questions whether a document adds up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from adapters.planning.measures import amount_column
from adapters.planning.operands import role_step
from adapters.planning.paper import PaperView, TableView
from schemas import plans
from schemas.plans import Step

CENT = Decimal("0.01")


def reconcile(paper: PaperView, *, with_lines: bool = True) -> plans.Reconcile | None:
    """Lines → subtotal → total, in the reading of the document (tax included or added, tip in or out) that holds
    where one does; else as invoices are mostly written. None when there is nothing to compare."""
    totals = paper.figures_of("total") or paper.figures_of("amount_due")
    subtotals = paper.figures_of("subtotal")
    chosen = role_step(paper, "subtotal") if len(subtotals) > 1 else None
    subtotal = (
        subtotals[0] if len(subtotals) == 1 else chosen.figure if isinstance(chosen, plans.LookupFigure) else None
    )
    view = paper.main
    lines = _lines(view) if view is not None and with_lines else None
    total = totals[-1] if totals else None
    if total is not None and paper.document.figures[total].value < 0:
        return None  # a credit note: taxes and discounts change their signs, and how is not said
    if (total is None or (subtotal is None and lines is None)) and (subtotal is None or lines is None):
        return None
    readings = list(_readings(paper, lines, subtotal, total))
    partial = lines is not None and bool(lines.where)
    if partial and subtotal is not None and lines is not None:
        bare = plans.Reconcile(lines=lines, total=subtotal)
        if not _holds(bare, paper):
            return reconcile(paper, with_lines=False)  # a discount among the rows, say
    for reading in readings:
        if _holds(reading, paper):
            return reading
    if partial:
        return reconcile(paper, with_lines=False)  # taxes among the rows: their sum contradicts nothing
    return readings[0]


def lines_are_whole(paper: PaperView) -> bool:
    """Whether a bill's lines must give its total: no subtotal stands between, and every line's amount was read."""
    view = paper.main
    if view is None or paper.document.kind not in ("invoice", "receipt", "estimate") or paper.figures_of("subtotal"):
        return False
    column = amount_column(view)
    return column is not None and all(
        row[column.index].value is not None for i, row in enumerate(view.table.rows) if i not in view.not_items
    )


def _lines(view: TableView) -> plans.ColumnValues | None:
    column = amount_column(view)
    if column is None:
        return None
    items = tuple(row for row in range(len(view.table.rows)) if row not in view.not_items)
    where = (plans.RowsCondition(rows=items[:2000], because="items only"),) if view.not_items else ()
    return plans.ColumnValues(table=view.index, column=column.index, labels=view.labels, where=where)


def _readings(
    paper: PaperView, lines: plans.ColumnValues | None, subtotal: int | None, total: int | None
) -> Iterator[plans.Reconcile]:
    taxes = paper.figures_of("tax")
    others = [*paper.figures_of("shipping")]
    tips = paper.figures_of("tip")
    discounts = paper.figures_of("discount")
    below = tuple(index for index in discounts if subtotal is not None and index > subtotal)
    for paid in _payments(paper, total):
        for deducted in dict.fromkeys((tuple(discounts), below, ())):
            for extra in dict.fromkeys(((*others, *tips), tuple(others), tuple(tips), ())):
                for included in (False, True) if taxes else (False,):
                    added = extra if included else (*taxes, *extra)
                    yield plans.Reconcile(
                        lines=lines,
                        subtotal=subtotal,
                        added=tuple(sorted(added)),
                        deducted=(*deducted, *paid),
                        total=total,
                    )


def _payments(paper: PaperView, total: int | None) -> Iterator[tuple[int, ...]]:
    """What may have been deducted to reach an amount due, most likely first: what was paid above it, nothing, all that
    was paid. Nothing is deducted to reach a total; cash that change was given for is no part of the sum."""
    if total is None or paper.document.figures[total].role != "amount_due" or paper.figures_of("change"):
        yield ()
        return
    paid = paper.figures_of("paid")
    yield from dict.fromkeys((tuple(index for index in paid if index < total), (), tuple(paid)))


_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)")


def left_out_of(step: plans.Reconcile, paper: PaperView) -> str | None:
    """A sentence where sums do not hold and an amount that stands among them was left out of the calculation."""
    if step.total is None or _holds(step, paper):
        return None
    document, end = paper.document, step.total
    start = step.subtotal if step.subtotal is not None else -1
    taken = {start, *step.added, *step.deducted, end}
    known = {abs(document.figures[index].value) for index in taken if index >= 0}
    for index in range(start + 1, end):
        figure = document.figures[index]
        counts = figure.unit in (document.figures[end].unit, None) and figure.role not in ("data_point", "quantity")
        if counts and figure.value and abs(figure.value) not in known:
            return f'"{figure.label}" stands among the sums and was not understood'[:400]
    if step.subtotal is None:
        return None
    top, bottom = document.figures[step.subtotal].box, document.figures[end].box
    read = [(figure.box.y, figure.box.y + figure.box.height) for figure in document.figures]
    for line in document.lines:
        middle = line.box.y + line.box.height / 2
        between = top.y + top.height < middle < bottom.y
        if between and _AMOUNT.search(line.text) and not any(low <= middle <= high for low, high in read):
            return f'"{line.text}" stands among the sums and was not understood'[:400]
    return None


def _holds(step: plans.Reconcile, paper: PaperView) -> bool:
    figures = paper.document.figures
    base: Decimal | None = None
    if step.lines is not None:
        rows = paper.document.tables[step.lines.table].rows
        kept = {row for c in step.lines.where if isinstance(c, plans.RowsCondition) for row in c.rows}
        rows = tuple(row for i, row in enumerate(rows) if i in kept) if step.lines.where else rows
        values = [row[step.lines.column].value for row in rows]
        base = sum((value for value in values if value is not None), Decimal(0))
    if step.subtotal is not None:
        base = figures[step.subtotal].value
    if base is None or step.total is None:
        return False
    added = sum((abs(figures[index].value) for index in step.added), Decimal(0))
    deducted = sum((abs(figures[index].value) for index in step.deducted), Decimal(0))
    return abs(base + added - deducted - figures[step.total].value) <= CENT


def line_check(view: TableView) -> plans.LineCheck | None:
    """Quantity × unit price = amount, where the table has all three."""
    quantity, price = view.with_concept("quantity"), view.with_concept("unit_price", "price", "cost")
    amount = amount_column(view)
    if len(quantity) != 1 or len(price) != 1 or amount is None or amount.index in (quantity[0].index, price[0].index):
        return None
    return plans.LineCheck(table=view.index, quantity=quantity[0].index, unit_price=price[0].index, amount=amount.index)


def balance_check(paper: PaperView, view: TableView) -> plans.BalanceCheck | None:
    """Movements between balances, where the table has movements and there are balances to compare."""
    debit, credit = view.with_concept("debit"), view.with_concept("credit")
    balance = view.with_concept("balance")
    opening, closing = paper.figures_of("opening_balance"), paper.figures_of("closing_balance")
    amounts: Sequence[object] = ()
    column = None
    if not debit and not credit:
        rest = [c for c in view.numeric if "balance" not in c.concepts]
        named = [c for c in rest if set(c.stems) & {"amount", "betrag", "montant", "importe", "bedrag", "importo"}]
        amounts = named or rest
        if len(amounts) != 1:
            return None
        column = (named or rest)[0].index
    if not balance and not (opening and closing):
        return None
    return plans.BalanceCheck(
        table=view.index,
        balance=balance[0].index if balance else None,
        amount=column,
        debit=debit[0].index if debit else None,
        credit=credit[0].index if credit else None,
        opening=opening[0] if len(opening) == 1 else None,
        closing=closing[0] if len(closing) == 1 else None,
        newest_first=view.newest_first,
    )


def checks(paper: PaperView) -> list[Step]:
    """Everything about the document that can be checked by arithmetic."""
    found: list[Step] = []
    view = paper.main
    if view is not None and (balance := balance_check(paper, view)) is not None:
        return [balance]
    if view is not None and (by_line := line_check(view)) is not None:
        found.append(by_line)
    if (sums := reconcile(paper)) is not None:
        found.append(sums)
    return found
