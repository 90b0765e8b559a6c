"""The pieces of Python that compiled programs are put together from. Each is complete and names what it needs."""

from __future__ import annotations

HEADER = '''"""Compiled from a typed plan: every number comes from the document, arithmetic is exact.

{title}
"""

import contextlib
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

OUT = Path("/tmp/out")
document = json.loads(Path("/inputs/document.json").read_text(encoding="utf-8"))
used = {{}}
checks = []


def note(**reference):
    """Remember what the answer rests on."""
    used[tuple(reference.items())] = reference


def outcome(kind="number", value=None, unit=None, text=None, rows=()):
    return {{"kind": kind, "value": value, "unit": unit, "text": text, "rows": list(rows)}}
'''

# Block name → source. Order here is order in the program.
BLOCKS: dict[str, str] = {
    "check": """
def check(name, ok, expected=None, found=None):
    checks.append({"name": name, "ok": bool(ok), "expected": expected, "found": found})


def check_equal(name, expected, found):
    check(name, abs(expected - found) <= Decimal("0.01"), expected, found)
""",
    "half_up": '''
def half_up(value, places):
    result = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole = result.to_integral_value()
    return whole if result == whole else result


def finest(numbers):
    """Decimal places to round to: cents, or more where the numbers have more."""
    return max([2] + [-number.as_tuple().exponent for number in numbers])
''',
    "figure": """
def figure(index):
    entry = document["figures"][index]
    note(kind="figure", figure=index)
    return outcome(value=Decimal(entry["value"]), unit=entry["unit"])


def size(index):
    return abs(figure(index)["value"])
""",
    "number": """
def number(cell):
    return None if cell["value"] is None else Decimal(cell["value"])


def clean(text):
    return " ".join(text.split())


def unit_of(table, column):
    entry = document["tables"][table]["columns"][column]
    if entry["unit"] is None and entry["kind"] == "percent":
        return "%"
    return document["currency"] if entry["unit"] is None and entry["kind"] == "money" else entry["unit"]
""",
    "column": '''
def column(table, index, rows, labels=None):
    """(name, number) of each row; empty cells are passed over, unreadable ones are reported."""
    pairs = []
    unread = 0
    for row in rows:
        cells = document["tables"][table]["rows"][row]
        if number(cells[index]) is None:
            unread += bool(cells[index]["text"].strip())
            continue
        name = clean(cells[labels]["text"])[:400] if labels is not None else ""
        pairs.append((name or f"row {row + 1}", number(cells[index])))
        note(kind="cell", table=table, row=row, column=index, summary=False)
    if unread:
        check("every cell could be read as a number", False, Decimal(0), Decimal(unread))
    return pairs
''',
    "points": '''
def points(*indices):
    """(label, number) of each figure."""
    pairs = []
    for index in indices:
        entry = document["figures"][index]
        pairs.append((clean(entry["label"])[:400] or f"figure {index}", Decimal(entry["value"])))
        note(kind="figure", figure=index)
    return pairs


def common_unit(*indices):
    units = {document["figures"][index]["unit"] for index in indices}
    return units.pop() if len(units) == 1 else None
''',
    "across": '''
def across(row, table, *columns):
    """(heading, number) of one row's cells; empty cells are passed over, unreadable ones are reported."""
    pairs = []
    unread = 0
    for index in columns:
        cell = document["tables"][table]["rows"][row][index]
        if number(cell) is None:
            unread += bool(cell["text"].strip())
            continue
        name = clean(document["tables"][table]["columns"][index]["name"])[:400]
        pairs.append((name or f"column {index + 1}", number(cell)))
        note(kind="cell", table=table, row=row, column=index, summary=False)
    if unread:
        check("every cell could be read as a number", False, Decimal(0), Decimal(unread))
    return pairs


def shared_unit(table, *columns):
    units = {unit_of(table, index) for index in columns}
    return units.pop() if len(units) == 1 else None
''',
    "rows_of": """
def rows_of(pairs):
    return [{"label": name, "value": value} for name, value in pairs]
""",
    "aggregate": """
def aggregate(how, pairs, unit):
    numbers = [value for _, value in pairs]
    if not numbers:
        return outcome("nothing", unit=unit)
    ordered = sorted(numbers)
    half = len(ordered) // 2
    if how == "sum":
        value = sum(numbers)
    elif how == "mean":
        value = half_up(sum(numbers) / len(numbers), finest(numbers))
    elif how == "median" and len(ordered) % 2:
        value = ordered[half]
    elif how == "median":
        value = half_up((ordered[half - 1] + ordered[half]) / 2, finest(numbers))
    else:
        value = ordered[0] if how == "min" else ordered[-1]
    return outcome(value=value, unit=unit)
""",
    "rank": '''
def rank(pairs, n, greatest, unit):
    """The n greatest (least) values; whoever ties with the last one is named too."""
    if not pairs:
        return outcome("nothing", unit=unit)
    ordered = sorted(pairs, key=lambda pair: -pair[1] if greatest else pair[1])
    best = ordered[0][1]
    edge = ordered[: n][-1][1]
    chosen = [pair for pair in ordered if (pair[1] >= edge if greatest else pair[1] <= edge)]
    names = [name for name, value in chosen if n > 1 or value == best]
    return outcome(value=best, unit=unit, text=", ".join(names) or None, rows=rows_of(chosen))
''',
    "group": '''
def group(table, by, index, rows, how, order, n):
    """One number for each different text of a column."""
    names = {}
    members = {}
    unread = 0
    for row in rows:
        cells = document["tables"][table]["rows"][row]
        name = clean(cells[by]["text"])
        value = number(cells[index])
        if not name:
            continue
        names.setdefault(name.casefold(), name)
        if value is not None:
            members.setdefault(name.casefold(), []).append(value)
            note(kind="cell", table=table, row=row, column=index, summary=False)
        elif how == "count":
            members.setdefault(name.casefold(), []).append(Decimal(0))
        else:
            unread += bool(cells[index]["text"].strip())
    if unread:
        check("every cell could be read as a number", False, Decimal(0), Decimal(unread))
    pairs = []
    for key, numbers in members.items():
        if how == "count":
            value = Decimal(len(numbers))
        elif how == "mean":
            value = half_up(sum(numbers) / len(numbers), finest(numbers))
        else:
            value = {"sum": sum, "min": min, "max": max}[how](numbers)
        pairs.append((names[key][:400], value))
    unit = None if how == "count" else unit_of(table, index)
    if order != "document":
        pairs.sort(key=lambda pair: -pair[1] if order == "greatest" else pair[1])
    pairs = pairs[:n] if n else pairs
    if not pairs:
        return outcome("nothing", unit=unit)
    value, name = (pairs[0][1], pairs[0][0]) if order != "document" else (None, None)
    return outcome("rows", value=value, unit=unit, text=name, rows=rows_of(pairs))
''',
    "trend": """
def trend(pairs, unit):
    numbers = [value for _, value in pairs]
    if len(numbers) < 2:
        return outcome("nothing", unit=unit)
    changes = [later - earlier for earlier, later in zip(numbers, numbers[1:])]
    moved = numbers[-1] - numbers[0]
    if not any(changes):
        text = "flat"
    elif min(changes) >= 0:
        text = "rising throughout"
    elif max(changes) <= 0:
        text = "falling throughout"
    else:
        text = "level overall" if moved == 0 else f"{'rising' if moved > 0 else 'falling'} overall"
    return outcome(value=moved, unit=unit, text=text, rows=rows_of(pairs))
""",
    "arithmetic": """
def arithmetic(how, left, right, absolute=False):
    a, b = left["value"], right["value"]
    if a is None or b is None:
        return outcome("nothing")
    unit = left["unit"] or right["unit"]
    if left["unit"] and right["unit"] and left["unit"] != right["unit"] and how != "product":
        check(f"both sides are in one unit ({left['unit']}, {right['unit']})", False)
    if how == "add":
        return outcome(value=a + b, unit=unit)
    if how == "difference":
        return outcome(value=abs(a - b) if absolute else a - b, unit=unit)
    if how == "product":
        return outcome(value=a * b, unit=unit)
    if (a if how == "change" else b) == 0:
        return outcome("nothing")
    if how == "ratio":
        return outcome(value=half_up(a / b, 4))
    if how == "share":
        return outcome(value=half_up(100 * a / b, 2), unit="%")
    return outcome(value=half_up(100 * (b - a) / abs(a), 2), unit="%")
""",
    "verdict": '''
def verdict(start):
    """Yes when every check made since `start` holds."""
    made = checks[start:]
    if not made:
        return outcome("nothing")
    return outcome("checks", text="yes" if all(each["ok"] for each in made) else "no")
''',
    "balances": '''
def balances(movements, opening, closing, sign):
    """(name, expected, found) of each balance, when movements count with this sign."""
    found = []
    running = opening
    for row, movement, balance in movements:
        if running is not None:
            running += sign * movement
        if balance is not None:
            if running is not None:
                found.append((f"row {row + 1}: balance before ± movement = balance", running, balance))
            running = balance
    if closing is not None and running is not None and (opening is not None or len(movements) > 1):
        found.append(("last balance = closing balance", running, closing))
    return found


def wrong(balances_found):
    return sum(abs(expected - found) > Decimal("0.01") for _, expected, found in balances_found)
''',
    "draw": '''
def draw(answer):
    """A picture of the rows. Nice to have: the result stands without it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in answer["rows"] if row["value"] is not None][:40]
    if len(rows) < 3:
        return
    figure_, axes = pyplot.subplots(figsize=(7, 0.6 + 0.32 * len(rows)), layout="constrained")
    names = [row["label"][:40].replace("$", r"\\$") for row in rows]
    axes.barh(range(len(rows)), [float(row["value"]) for row in rows], color="#4C6EF5")
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlabel((answer["unit"] or "").replace("$", r"\\$"))
    axes.spines[["top", "right"]].set_visible(False)
    figure_.savefig(OUT / "chart.png", dpi=120)
''',
}

FOOTER = '''
def plain(value):
    """JSON keeps decimals as strings, so that no digit is lost."""
    return format(value, "f") if isinstance(value, Decimal) else value


result = dict(answer, used=list(used.values())[:5000], checks=checks[:500])
result["rows"] = answer["rows"][:500]
OUT.mkdir(parents=True, exist_ok=True)
(OUT / "result.json").write_text(json.dumps(result, default=plain, ensure_ascii=True), encoding="utf-8")
print(answer["kind"], plain(answer["value"]), answer["unit"] or "")
'''

DRAWING = """
with contextlib.suppress(Exception):
    draw(answer)
"""
