"""Arithmetic that a document states about itself: lines, totals and balances, checked to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from processors.selection import picked
from schemas import plans
from schemas.documents import Cell, DocumentDescription
from schemas.results import CellRef, Check, FigureRef, Ref

CENT = Decimal("0.01")
Checks = tuple[list[Check], list[Ref]]


def line_checks(step: plans.LineCheck, document: DocumentDescription) -> Checks:
    """Quantity × unit price = amount, for every row that has all three."""
    checks: list[Check] = []
    used: list[Ref] = []
    for row, cells in enumerate(document.tables[step.table].rows):
        quantity, price, amount = (cells[column].value for column in (step.quantity, step.unit_price, step.amount))
        if quantity is None or price is None or amount is None:
            continue
        expected = (quantity * price).quantize(CENT, rounding=ROUND_HALF_UP)
        checks.append(
            Check(
                name=f"row {row + 1}: quantity × unit price = amount",
                ok=abs(expected - amount) <= CENT,
                expected=expected,
                found=amount,
            )
        )
        used += [CellRef(table=step.table, row=row, column=c) for c in (step.quantity, step.unit_price, step.amount)]
    return checks, used


def reconcile_checks(step: plans.Reconcile, document: DocumentDescription) -> Checks:
    """Lines sum to the subtotal (or, where there is none, lead to the total), and the subtotal leads to the total."""
    checks: list[Check] = []
    used: list[Ref] = []

    def figure(index: int) -> Decimal:
        used.append(FigureRef(figure=index))
        return document.figures[index].value

    base: Decimal | None = None
    base_name = "lines"
    if step.lines is not None:
        lines = picked(step.lines, document)
        used += lines.refs
        if lines.unread:
            checks.append(
                Check(name="every line could be read", ok=False, expected=Decimal(0), found=Decimal(lines.unread))
            )
        if lines.numbers:
            base = sum(lines.numbers, Decimal(0))
    if step.subtotal is not None:
        subtotal = figure(step.subtotal)
        if base is not None:
            checks.append(_close("lines = subtotal", base, subtotal))
        base, base_name = subtotal, "subtotal"
    if step.total is not None and base is not None:
        expected, name = base, base_name
        if not step.tax_included:
            for index in step.added:
                expected += abs(figure(index))
                name += f" + {document.figures[index].role.replace('_', ' ')}"
        for index in step.deducted:
            expected -= abs(figure(index))
            name += f" - {document.figures[index].role.replace('_', ' ')}"
        checks.append(_close(f"{name} = total", expected, figure(step.total)))
    return checks, used


def _close(name: str, expected: Decimal, found: Decimal) -> Check:
    return Check(name=name, ok=abs(expected - found) <= CENT, expected=expected, found=found)


def balance_checks(step: plans.BalanceCheck, document: DocumentDescription) -> Checks:
    """Movements lead from balance to balance, under one of the two sign conventions for all rows."""
    used: list[Ref] = []
    opening = closing = None
    if step.opening is not None:
        opening = document.figures[step.opening].value
        used.append(FigureRef(figure=step.opening))
    if step.closing is not None:
        closing = document.figures[step.closing].value
        used.append(FigureRef(figure=step.closing))
    rows = list(enumerate(document.tables[step.table].rows))
    moves: list[tuple[int, Decimal, Decimal | None]] = []
    for row, cells in reversed(rows) if step.newest_first else rows:
        movement = _movement(step, cells)
        balance = None if step.balance is None else cells[step.balance].value
        if movement is None and balance is None:
            continue
        moves.append((row, movement or Decimal(0), balance))
        for column in (step.amount, step.debit, step.credit, step.balance):
            if column is not None and cells[column].value is not None:
                used.append(CellRef(table=step.table, row=row, column=column))
    plus, minus = (_balances(moves, opening, closing, sign) for sign in (Decimal(1), Decimal(-1)))
    wrong_plus, wrong_minus = (sum(not check.ok for check in checks) for checks in (plus, minus))
    return (minus if wrong_minus < wrong_plus else plus), used


def _movement(step: plans.BalanceCheck, cells: tuple[Cell, ...]) -> Decimal | None:
    """What a row adds to the balance of an account in credit; None when it moves nothing."""
    if step.amount is not None:
        return cells[step.amount].value
    debit = None if step.debit is None else cells[step.debit].value
    credit = None if step.credit is None else cells[step.credit].value
    if debit is None and credit is None:
        return None
    return abs(credit or Decimal(0)) - abs(debit or Decimal(0))


def _balances(
    moves: list[tuple[int, Decimal, Decimal | None]], opening: Decimal | None, closing: Decimal | None, sign: Decimal
) -> list[Check]:
    checks: list[Check] = []
    running = opening
    for row, movement, balance in moves:
        if running is not None:
            running += sign * movement
        if balance is not None:
            if running is not None:
                checks.append(_close(f"row {row + 1}: balance before ± movement = balance", running, balance))
            running = balance
    if closing is not None and running is not None and (opening is not None or len(moves) > 1):
        checks.append(_close("last balance = closing balance", running, closing))
    return checks
