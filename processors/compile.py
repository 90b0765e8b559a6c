"""Compiles typed steps to a self-contained Python program with exact decimal arithmetic.

Everything that comes from the question or the picture enters the program as an ASCII string literal or a number,
never as code. The same plan compiles to the same program.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from decimal import Decimal

from processors.program_blocks import BLOCKS, DRAWING, FOOTER, HEADER
from processors.wording import step_title
from schemas import plans
from schemas.documents import DocumentDescription
from schemas.plans import AnalysisPlan

# What each block calls besides itself.
_NEEDS = {
    "column": ("number", "check"),
    "points": ("number",),
    "across": ("number", "check"),
    "aggregate": ("half_up",),
    "rank": ("rows_of",),
    "group": ("number", "half_up", "rows_of", "check"),
    "trend": ("rows_of",),
    "arithmetic": ("half_up", "check"),
    "balances": ("check",),
}


def compile_plan(plan: AnalysisPlan, document: DocumentDescription) -> str:
    """The program for a typed plan within the document's bounds. Raises ValueError for a free-form plan."""
    needed: set[str] = set()
    body: list[str] = []
    for number, step in enumerate(plan.steps):
        blocks, lines = _step(number, step, document)
        needed |= set(blocks)
        body += ["", f"# {ascii_comment(step_title(step, document))}", *lines]
    last = len(plan.steps) - 1
    body += ["", f"answer = step_{last}"]
    if isinstance(plan.steps[-1], plans.Rank | plans.Group | plans.Trend | plans.ListRows | plans.Summarise):
        needed.add("draw")
    for name in tuple(needed):
        needed |= set(_NEEDS.get(name, ()))
    needed |= {"number"} if needed & {"group", "column", "points", "across"} else set()
    title = "\n".join(textwrap.wrap(ascii_comment(step_title(plan.steps[-1], document)).replace('"', "'"), 100))
    parts = [HEADER.format(title=title.replace("\\", "/"))]
    parts += [source for name, source in BLOCKS.items() if name in needed]
    parts += ["\n".join(body) + "\n", FOOTER]
    if "draw" in needed:
        parts.append(DRAWING)
    source = "\n".join(parts)
    if "draw" not in needed:
        source = source.replace("import contextlib\n", "")
    if source.count("ROUND_HALF_UP") == 1:
        source = source.replace("ROUND_HALF_UP, ", "")
    return source


def ascii_comment(text: str) -> str:
    """Text for a comment: one line, printable ASCII, bounded. Bidirectional marks and the like become escapes."""
    return ascii(" ".join(text.split()))[1:-1][:200]


def _literal(text: str) -> str:
    return ascii(text)


def _decimal(value: Decimal) -> str:
    return f'Decimal("{value:f}")'


def _rows(table: int, where: Iterable[plans.Condition]) -> str:
    """An expression: the indices of the rows that fulfil the conditions."""
    tests = [_condition(each) for each in where]
    rows = f'document["tables"][{table}]["rows"]'
    if not tests:
        return f"range(len({rows}))"
    return f"[row for row, cells in enumerate({rows}) if {' and '.join(tests)}]"


def _condition(condition: plans.Condition) -> str:
    match condition:
        case plans.RowsCondition():
            return f"row in {set(condition.rows)!r}" if condition.rows else "row in set()"
        case plans.TextCondition():
            cell = f'clean(cells[{condition.column}]["text"].casefold())'
            texts = sorted({" ".join(text.casefold().split()) for text in condition.texts})
            literal = "(" + ", ".join(_literal(text) for text in texts) + ",)"
            if condition.match == "equals":
                return f"{cell} in {literal}"
            return f"any(text in {cell} for text in {literal})"
        case plans.NumberCondition():
            value = f"number(cells[{condition.column}])"
            if condition.compare == "between":
                low, high = _decimal(condition.value), _decimal(condition.upper or Decimal(0))
                return f"{value} is not None and {low} <= {value} <= {high}"
            sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=="}[condition.compare]
            return f"{value} is not None and {value} {sign} {_decimal(condition.value)}"


def _values(values: plans.Values) -> tuple[tuple[str, ...], str, str]:
    """(blocks, expression of the pairs, expression of their unit)."""
    if isinstance(values, plans.FigureValues):
        indices = ", ".join(map(str, values.figures))
        return ("points",), f"points({indices})", f"common_unit({indices})"
    if isinstance(values, plans.RowValues):
        where = f"{values.table}, {', '.join(map(str, values.columns))}"
        return ("across", "number"), f"across({values.row}, {where})", f"shared_unit({where})"
    pairs = f"column({values.table}, {values.column}, {_rows(values.table, values.where)}, labels={values.labels})"
    return ("column", "number"), pairs, f"unit_of({values.table}, {values.column})"


def _step(number: int, step: plans.Step, document: DocumentDescription) -> tuple[tuple[str, ...], list[str]]:
    """(blocks the step calls, its lines)."""
    name = f"step_{number}"
    match step:
        case plans.LookupFigure():
            return ("figure",), [f"{name} = figure({step.figure})"]
        case plans.LookupRole():
            return ("figure",), [
                f'with_role = [i for i, entry in enumerate(document["figures"]) if entry["role"] == "{step.role}"]',
                *(
                    ['if document["total_figure"] is not None:', '    with_role = [document["total_figure"]]']
                    * (step.role == "total")
                ),
                f'{name} = figure(with_role[-1]) if with_role else outcome("nothing")',
            ]
        case plans.LookupCell():
            rows = "summary_rows" if step.summary else "rows"
            return ("number",), [
                f'value = number(document["tables"][{step.table}]["{rows}"][{step.row}][{step.column}])',
                f'note(kind="cell", table={step.table}, row={step.row}, column={step.column}, summary={step.summary})',
                f"unit = None if value is None else unit_of({step.table}, {step.column})",
                f'{name} = outcome("nothing" if value is None else "number", value, unit)',
            ]
        case plans.Aggregate():
            blocks, pairs, unit = _values(step.values)
            return (*blocks, "aggregate"), [f"pairs = {pairs}", f'{name} = aggregate("{step.op}", pairs, {unit})']
        case plans.Rank():
            blocks, pairs, unit = _values(step.values)
            greatest = step.op == "argmax"
            return (*blocks, "rank"), [
                f"pairs = {pairs}",
                f"{name} = rank(pairs, {step.n}, greatest={greatest}, unit={unit})",
            ]
        case plans.Trend():
            blocks, pairs, unit = _values(step.values)
            return (*blocks, "trend"), [f"pairs = {pairs}", f"{name} = trend(pairs, {unit})"]
        case plans.Count() if step.distinct is None:
            return ("number",), [
                f"rows = {_rows(step.table, step.where)}",
                f"{name} = outcome(value=Decimal(len(rows)))",
            ]
        case plans.Count():
            return ("number",), [
                f"rows = {_rows(step.table, step.where)}",
                "texts = set()",
                "for row in rows:",
                f'    cell = document["tables"][{step.table}]["rows"][row][{step.distinct}]',
                '    texts.add(clean(cell["text"].casefold()))',
                f'    note(kind="cell", table={step.table}, row=row, column={step.distinct}, summary=False)',
                f'{name} = outcome(value=Decimal(len(texts - {{""}})))',
            ]
        case plans.CountFigures():
            indices = ", ".join(map(str, step.figures))
            return ("points",), [f"{name} = outcome(value=Decimal(len(points({indices}))))"]
        case plans.ListRows():
            return ("number",), _list(name, step)
        case plans.Arithmetic():
            call = f'arithmetic("{step.op}", step_{step.left}, step_{step.right}, absolute={step.absolute})'
            return ("arithmetic",), [f"{name} = {call}"]
        case plans.Group():
            call = f'{step.table}, {step.by}, {step.column}, rows, "{step.aggregate}", "{step.order}", {step.n}'
            return ("group",), [f"rows = {_rows(step.table, step.where)}", f"{name} = group({call})"]
        case plans.LineCheck():
            return ("number", "check", "verdict"), _line_check(name, step)
        case plans.Reconcile():
            return ("number", "check", "verdict", "figure", "column"), _reconcile(name, step, document)
        case plans.BalanceCheck():
            return ("number", "check", "verdict", "figure", "balances"), _balance(name, step)
        case plans.Attribute():
            unknown = ' if document["kind"] != "unknown" else None' if step.attribute == "kind" else ""
            return (), [
                f'text = document["{step.attribute}"]{unknown}',
                f'{name} = outcome("text" if text else "nothing", text=text)',
            ]
        case plans.PrintedText():
            return (), [
                f"text = {_literal(step.text)}",
                f'if text not in document["lines"][{step.line}]["text"]:',
                '    raise SystemExit("the line does not say so")',
                f'note(kind="line", line={step.line})',
                f'{name} = outcome("text", text=text)',
            ]
        case plans.CellText():
            return (), [
                f'text = document["tables"][{step.table}]["rows"][{step.row}][{step.column}]["text"].strip()',
                f'note(kind="cell", table={step.table}, row={step.row}, column={step.column}, summary=False)',
                f'{name} = outcome("text" if text else "nothing", text=text or None)',
            ]
        case plans.Summarise():
            rows = ", ".join(map(str, step.figures))
            return ("points", "number", "rows_of"), [
                f"pairs = points({rows})",
                "rows = rows_of(pairs)",
                *_raw_labels(step),
                f'{name} = outcome("rows", text=document["kind"], rows=rows)',
            ]
        case plans.FreeForm():
            raise ValueError("a free-form plan is not compiled")


def _raw_labels(step: plans.Summarise) -> list[str]:
    if not step.figures:
        return []
    return [
        f"for row, index in zip(rows, {list(step.figures)!r}):",
        '    row["label"] = document["figures"][index]["label"][:400]',
    ]


def _list(name: str, step: plans.ListRows) -> list[str]:
    lines = [
        "listed = []",
        f"for row in {_rows(step.table, step.where)}:",
        f'    cells = document["tables"][{step.table}]["rows"][row]',
        f'    note(kind="cell", table={step.table}, row=row, column={step.labels}, summary=False)',
    ]
    if step.column is None:
        lines.append("    value = None")
    else:
        lines += [
            f"    value = number(cells[{step.column}])",
            "    if value is not None:",
            f'        note(kind="cell", table={step.table}, row=row, column={step.column}, summary=False)',
        ]
    unit = "None" if step.column is None else f"unit_of({step.table}, {step.column})"
    return [
        *lines,
        f'    listed.append({{"label": cells[{step.labels}]["text"].strip()[:400], "value": value}})',
        'text = "; ".join(each["label"] for each in listed)[:4000] or None',
        f'{name} = outcome("rows", unit={unit}, text=text, rows=listed)',
    ]


def _line_check(name: str, step: plans.LineCheck) -> list[str]:
    columns = f"({step.quantity}, {step.unit_price}, {step.amount})"
    return [
        "start = len(checks)",
        f'for row, cells in enumerate(document["tables"][{step.table}]["rows"]):',
        f"    quantity, price, amount = (number(cells[index]) for index in {columns})",
        "    if quantity is None or price is None or amount is None:",
        "        continue",
        '    expected = (quantity * price).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)',
        '    check_equal(f"row {row + 1}: quantity \\u00d7 unit price = amount", expected, amount)',
        f"    for index in {columns}:",
        f'        note(kind="cell", table={step.table}, row=row, column=index, summary=False)',
        f"{name} = verdict(start)",
    ]


def _reconcile(name: str, step: plans.Reconcile, document: DocumentDescription) -> list[str]:
    lines = ["start = len(checks)", "expected = None"]
    title = "lines"
    if step.lines is not None:
        rows = _rows(step.lines.table, step.lines.where)
        lines += [
            f"amounts = [value for _, value in column({step.lines.table}, {step.lines.column}, {rows})]",
            "for each in checks[start:]:",
            '    each["name"] = "every line could be read"',
            "expected = sum(amounts) if amounts else None",
        ]
    if step.subtotal is not None:
        lines += [
            f'subtotal = figure({step.subtotal})["value"]',
            "if expected is not None:",
            '    check_equal("lines = subtotal", expected, subtotal)',
            "expected = subtotal",
        ]
        title = "subtotal"
    if step.total is not None and (step.lines is not None or step.subtotal is not None):
        lines.append("if expected is not None:")
        for index in () if step.tax_included else step.added:
            lines.append(f"    expected += size({index})")
            title += f" + {document.figures[index].role.replace('_', ' ')}"
        for index in step.deducted:
            lines.append(f"    expected -= size({index})")
            title += f" - {document.figures[index].role.replace('_', ' ')}"
        lines.append(f'    check_equal("{title} = total", expected, figure({step.total})["value"])')
    return [*lines, f"{name} = verdict(start)"]


def _stated(figure: int | None) -> str:
    return "None" if figure is None else f'figure({figure})["value"]'


def _balance(name: str, step: plans.BalanceCheck) -> list[str]:
    def side(column: int | None) -> str:
        return "None" if column is None else f"number(cells[{column}])"

    columns = tuple(c for c in (step.amount, step.debit, step.credit, step.balance) if c is not None)
    lines = [
        "start = len(checks)",
        f"opening = {_stated(step.opening)}",
        f"closing = {_stated(step.closing)}",
        f'rows = list(enumerate(document["tables"][{step.table}]["rows"]))',
        *(["rows.reverse()"] * step.newest_first),
        "movements = []",
        "for row, cells in rows:",
    ]
    if step.amount is not None:
        lines.append(f"    movement = {side(step.amount)}")
    else:
        lines += [
            f"    debit, credit = {side(step.debit)}, {side(step.credit)}",
            "    movement = None",
            "    if debit is not None or credit is not None:",
            "        movement = abs(credit or Decimal(0)) - abs(debit or Decimal(0))",
        ]
    return [
        *lines,
        f"    balance = {side(step.balance)}",
        "    if movement is None and balance is None:",
        "        continue",
        "    movements.append((row, movement or Decimal(0), balance))",
        f"    for index in {columns!r}:",
        "        if number(cells[index]) is not None:",
        f'            note(kind="cell", table={step.table}, row=row, column=index, summary=False)',
        "# A bank account's debits lower the balance, a line of credit's raise it: what holds more often counts.",
        "as_account = balances(movements, opening, closing, 1)",
        "as_credit = balances(movements, opening, closing, -1)",
        "for title, expected, found in as_credit if wrong(as_credit) < wrong(as_account) else as_account:",
        "    check_equal(title, expected, found)",
        f"{name} = verdict(start)",
    ]
