"""Which table, numbers, rows and groups a question chooses."""

from __future__ import annotations

import itertools

from adapters.planning.conditions import Filter, filters, is_range
from adapters.planning.measures import Measure, default_measure, measures
from adapters.planning.paper import ColumnView, PaperView, TableView, concepts_of
from adapters.planning.question import Question
from adapters.planning.small_words import ADVERBS, PER, PERCENT, TIME_UNITS, UNITS, WHICH, stems
from adapters.planning.vocabulary import MEASURES, ORDINALS, WEEKDAYS
from schemas import plans


def chosen_table(question: Question, paper: PaperView) -> TableView | None:
    """The table a question is about: the one it mentions most of, else the main one."""

    def mentioned(view: TableView) -> tuple[int, bool]:
        rows = sum(len(m.span.indices) for m in question.rows if m.table == view.index)
        columns = sum(len(m.span.indices) * 2 for m in question.columns if m.table == view.index)
        named = sum(bool(view.with_concept(name)) for name in MEASURES if question.has(name))
        return rows + columns + named, view is paper.main

    return max(paper.tables, key=mentioned, default=None)


def chosen_measure(question: Question, paper: PaperView, view: TableView | None) -> Measure | None:
    """The one measure: named, or what the question can only mean. None when it is open."""
    if view is not None and view.numeric:
        named = measures(question, paper, view)
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            return None
        percents = [column for column in view.numeric if column.percent]
        if len(percents) == 1 and any(
            word.number is not None and after.stem in PERCENT for word, after in itertools.pairwise(question.words)
        ):
            return Measure(view, percents[0], (), frozenset())
        return default_measure(question, paper, view)
    if len(paper.points) > 1:
        return Measure(None, None, paper.points, frozenset())
    return None


def chosen_rows(question: Question, view: TableView | None, measure: Measure, besides: frozenset[int]) -> Filter:
    if view is None or measure.table is None:
        return Filter((), frozenset())
    return filters(question, view, measure, besides | measure.used)


def title_words(question: Question, paper: PaperView, measure: Measure | None) -> frozenset[int]:
    """Words of the question that a chart's title or a table's name states: what its numbers are."""
    if measure is None:
        return frozenset()
    known = {stem for text in titles(paper, measure) for stem in stems(text) if len(stem) > 2}
    known -= _names_inside(paper, measure)
    return frozenset(i for i in question.content if question.words[i].stem in known and not _plain_number(question, i))


def titles(paper: PaperView, measure: Measure) -> list[str]:
    """What stands over a chart or a table. Over a table of several number columns a line of the page counts only
    where the question names the column and the page shows nothing else."""
    document, view = paper.document, measure.table
    texts = [document.tables[view.index].name or ""] if view is not None else []
    alone = view is not None and len(document.tables) == 1 and bool(measure.used)
    if view is None or len(view.numeric) == 1 or (alone and document.kind in ("table", "chart", "dashboard")):
        texts += [line.text for line in document.lines[:6] if len(line.text) < 90]
    return texts


_PER = PER | {"al", "a"}


def title_parts(paper: PaperView, measure: Measure) -> tuple[set[str], set[str]]:
    """`Orders per day`: what is counted, and what each row or point is."""
    counted: set[str] = set()
    grouped: set[str] = set()
    for text in titles(paper, measure):
        tokens = stems(text)
        at = next((i for i, token in enumerate(tokens) if token in _PER), None)
        if at is not None:
            counted |= set(tokens[:at])
            grouped |= set(tokens[at + 1 :])
    return counted, grouped


def grouped_by_title(question: Question, paper: PaperView, measure: Measure | None) -> frozenset[int]:
    """The word after "how many" where the title says that rows are such: regions, of `Units by region`, and outgoings,
    of `Outgoings in October`."""
    if measure is None:
        return frozenset()
    grouped = title_parts(paper, measure)[1] or {stem for text in titles(paper, measure) for stem in stems(text)}
    after = {span.end for span in question.concepts.get("count", ())} & frozenset(range(len(question.words)))
    return frozenset(i for i in after if question.words[i].stem in grouped)


def _names_inside(paper: PaperView, measure: Measure) -> set[str]:
    """Words that name one row, column or point: read by chance among the first lines, they are no title."""
    if measure.table is None:
        return {stem for index in paper.points for stem in paper.figure_stems[index]}
    if len(measure.table.numeric) == 1:
        return set()
    view = measure.table
    inside = {stem for column in view.columns if column.numeric for stem in column.stems}
    return inside | {stem for row in view.row_stems if view.labels is not None for stem in row[view.labels]}


def _plain_number(question: Question, at: int) -> bool:
    number = question.words[at].number
    return number is not None and not 1900 <= number <= 2100


def contradicts_title(question: Question, paper: PaperView, measure: Measure) -> bool:
    """Whether "total costs" is asked of a column whose title says sales: "total cost" means a total too."""
    if measure.column is None or measure.column.concepts:
        return False
    asked = any(question.words[i].stem in _COSTS for i in question.spans("total"))
    stated = {concept for text in titles(paper, measure) for concept in concepts_of(text)} & _TITLED
    return asked and bool(stated) and not stated & {"cost", "expense"}


_COSTS = {"cost", "kosten", "cout", "coste", "costo"}
_TITLED = {"revenue", "profit", "income", "quantity", "cost", "expense", "margin", "loss"}


def says_heading(question: Question, paper: PaperView, besides: frozenset[int]) -> bool:
    """Whether a word is a number column's heading: "the sum of the amounts" is not the invoice's total."""
    headings = {stem for view in paper.tables for column in view.numeric for stem in column.stems}
    return any(word.stem in headings for i, word in enumerate(question.words) if i not in besides)


def _row_units(view: TableView) -> frozenset[str]:
    """What each row is one of: a day, a month … where all rows are dated and no two are of the same."""
    dates = [date for date in view.row_dates if date is not None]
    named = view.labels is not None and view.labels != view.dates and view.dates is not None
    if named or not dates or len(dates) != len(view.row_dates) or len({date.key for date in dates}) != len(dates):
        return frozenset()
    units = {
        "day": all(date.day for date in dates),
        "month": all(date.month and not date.day for date in dates),
        "quarter": all(date.quarter for date in dates),
        "year": all(date.year and not (date.month or date.quarter) for date in dates),
    }
    return frozenset(unit for unit, fits in units.items() if fits)


def time_unit(question: Question, view: TableView) -> bool:
    """Whether "how many months" asks for this table's rows."""
    at = {word.stem for word in question.words}
    return any(at & UNITS[unit] for unit in _row_units(view))


def per_period(question: Question, view: TableView) -> frozenset[int]:
    """`the average monthly profit` over rows that are months: each is one."""
    said = {ADVERBS[unit] for unit in _row_units(view)}
    return frozenset(i for i, word in enumerate(question.words) if word.stem in said)


def item_rows(question: Question, paper: PaperView, view: TableView | None) -> tuple[plans.Condition, ...]:
    """On a receipt or an invoice: the rows that are items, where payments, totals or taxes stand among them too."""
    if view is None or not view.not_items or paper.document.kind not in ("receipt", "invoice", "estimate"):
        return ()
    if any(set(m.rows) & view.not_items for m in question.rows if m.table == view.index):
        return ()
    rows = tuple(row for row in range(len(view.table.rows)) if row not in view.not_items)
    return (plans.RowsCondition(rows=rows[:2000], because="items only"),)


def top_n(question: Question, *names: str) -> tuple[int, frozenset[int]]:
    for name in names:
        for span in question.concepts.get(name, ()):
            for at in (span.start - 1, span.end, span.start - 2, span.end + 1):
                if 0 <= at < len(question.words):
                    number = question.words[at].number or ORDINALS.get(question.words[at].stem)
                    if number is not None and int(number) == number and 1 < number <= 100:
                        return int(number), frozenset({at})
    return 1, frozenset()


def no_sum(column: ColumnView) -> bool:
    """Balances, percentages and prices of one unit: their sum means nothing."""
    return column.percent or bool(column.concepts & {"balance", "unit_price"})


def several_rows(question: Question, view: TableView, condition: Filter) -> str | None:
    """What is taken for granted when a part of a name fits rows of different names: that all of them are meant."""
    for mention in condition.mentions:
        if mention.whole or mention.column is None or len(mention.rows) < 2:
            continue
        names = dict.fromkeys(" ".join(view.table.rows[row][mention.column].text.split()) for row in mention.rows)
        if len(names) > 1:
            said = " ".join(question.words[i].raw for i in sorted(mention.span.indices))
            return f'"{said}" was taken to mean {len(names)} rows: {"; ".join(names)}'[:400]
    return None


def all_negative(measure: Measure) -> bool:
    """Whether a column holds costs as negative numbers only, so that the largest is the least."""
    if measure.table is None or measure.column is None:
        return False
    values = [row[measure.column.index].value for row in measure.table.table.rows]
    known = [value for value in values if value is not None]
    return bool(known) and max(known) <= 0 > min(known)


def debits_only(measure: Measure) -> bool:
    return any(isinstance(c, plans.NumberCondition) and c.compare == "lt" and c.value == 0 for c in measure.where)


def row_words(question: Question, view: TableView | None) -> frozenset[int]:
    """Words that name what rows are: the label column's own name ("which month", "which region")."""
    if view is None:
        return frozenset()
    names = {
        i
        for m in question.columns
        if m.table == view.index and not view.columns[m.column].numeric
        for i in m.span.indices
    }
    found = set(names)
    headings = {stem for column in view.columns if not column.numeric for stem in column.stems if len(stem) > 4}
    found |= {i for i in question.content if question.words[i].stem.endswith(tuple(headings))}  # shareholder of Holder
    found |= people(question, view)
    dates = any(date is not None for date in view.row_dates)
    if dates or _weekdays(view):
        said = {i for i, word in enumerate(question.words) if word.stem in TIME_UNITS} - _other_units(question, view)
        found |= said | _all_rows(question, said, len(view.table.rows))
        found |= question.spans("date", "when")
    return frozenset(found)


def _weekdays(view: TableView) -> bool:
    return view.labels is not None and any(WEEKDAYS & set(row[view.labels]) for row in view.row_stems)


def _other_units(question: Question, view: TableView) -> frozenset[int]:
    """`which month`, where rows are days: none of them is one. `per day`, where rows are something else."""
    daily = any(date is not None and date.day for date in view.row_dates) or _weekdays(view)
    longer = {alias for unit, aliases in UNITS.items() if unit != "day" for alias in aliases}
    fitting = {alias for unit in _row_units(view) for alias in UNITS[unit]} | (
        UNITS["day"] if _weekdays(view) else set()
    )
    found = set()
    for before, word in enumerate(question.words[1:]):
        first = question.words[before].stem
        other = word.stem in (longer if daily else TIME_UNITS - fitting if fitting else ())
        if (first in WHICH and other) or (first in PER and word.stem in TIME_UNITS - fitting):
            found.add(before + 1)
    return frozenset(found)


def _all_rows(question: Question, units: set[int], many: int) -> frozenset[int]:
    """`over the six months` of a table with six rows: all of it."""
    counts = {
        i - 1 for i in units if i and ORDINALS.get(question.words[i - 1].stem, question.words[i - 1].number) == many
    }
    over = {i - step for i in counts for step in (1, 2) if i >= step and question.words[i - step].stem == "over"}
    return frozenset(counts | over)


def group_column(question: Question, view: TableView | None, measure: Measure, condition: Filter) -> int | None:
    """A text column that the question asks by ("which region …", "by product") and whose texts repeat."""
    if view is None or measure.table is None:
        return None
    named = [m.column for m in question.columns if m.table == view.index and not view.columns[m.column].numeric]
    return next((column for column in named if repeats(view, column)), None)


def repeats(view: TableView, column: int) -> bool:
    texts = [" ".join(row[column].text.casefold().split()) for row in view.table.rows if row[column].text.strip()]
    return len(set(texts)) < len(texts)


_PERSONS = {
    "employee",
    "name",
    "student",
    "customer",
    "person",
    "player",
    "client",
    "payee",
    "salesperson",
    "member",
    "seller",
    "agent",
    "author",
    "rep",
    "representative",
    "team",
    "user",
    "driver",
    "vendor",
    "supplier",
    "candidate",
    "kunde",
    "mitarbeiter",
    "who",
    "staff",
    "owner",
    "manager",
    "company",
    "donor",
    "holder",
    "shareholder",
    "investor",
    "winner",
    "athlete",
    "pupil",
}


def people(question: Question, view: TableView) -> frozenset[int]:
    """`how many people`, where rows are persons."""
    if person_column(view) is None:
        return frozenset()
    return frozenset(i for i, word in enumerate(question.words) if word.stem in _PEOPLE)


_PEOPLE = frozenset(stems("people person personen leute personnes gens personas mensen persone"))


def person_column(view: TableView | None) -> int | None:
    """The column that says who: called so."""
    if view is None:
        return None
    return next((c.index for c in view.columns if not c.numeric and _PERSONS & set(c.stems)), None)


def asks_by_group(question: Question) -> bool:
    """`sales by region`: a text column right after by, per or each."""
    by = question.spans("group_by")
    return any(mention.span.start - 1 in by for mention in question.columns)


def chosen_points(question: Question, paper: PaperView) -> tuple[tuple[int, ...], frozenset[int]]:
    """The points that a question names, or the range between two of them."""
    mentions = [m for m in question.figures if m.figure in paper.points]
    if not mentions:
        return (), frozenset()
    used = frozenset(i for m in mentions for i in m.span.indices)
    if len(mentions) == 2 and is_range(question, mentions[0].span, mentions[1].span):
        low, high = sorted((paper.points.index(mentions[0].figure), paper.points.index(mentions[1].figure)))
        return paper.points[low : high + 1], used
    return tuple(dict.fromkeys(m.figure for m in mentions)), used
