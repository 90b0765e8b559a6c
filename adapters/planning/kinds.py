"""Whether the number that a reading gives is of the kind that the question asks for."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.planning.choosing import person_column, titles
from adapters.planning.measures import Measure
from adapters.planning.outcome import Reading
from adapters.planning.paper import ColumnView, PaperView, is_currency
from adapters.planning.question import Question, how_much
from adapters.planning.small_words import stems
from schemas import plans
from schemas.plans import Step

_MONEY = frozenset(stems("eur usd gbp chf euro dollar pound cost revenue price spend expense kosten umsatz cout prix"))
_MOVED = frozenset(stems("sell sold ordered shipped delivered bought verkauft vendu vendido verkocht venduto"))
_KEPT = frozenset(stems("hand stock inventory bestand lager existencias voorraad giacenza"))
_PAYS = frozenset(stems("earn earned cost pay paid spend spent owe owed"))


def other_kind(question: Question, reading: Reading, paper: PaperView) -> bool:
    """A percentage where money is asked for, money where "how many" is, what is in stock where what was sold is, hours
    where pay is, sums where prices are, what a credit note gives back where what is left to pay is, an amount where yes
    or no is."""
    said = {word.stem for word in question.words}
    if question.has("amount_due") and (paper.document.total or 0) < 0:
        return True
    asks = ("gt", "lt", "ge", "le", "pay", "paid")
    if question.words and question.words[0].stem in _YES_OR_NO and question.has(*asks) and not question.has("check"):
        return True
    bill = paper.document.kind in _BILLS
    stated = isinstance(reading.steps[-1], plans.LookupFigure)
    stated |= any("amount_due" in column.concepts for column, _ in _columns(reading.steps, paper))
    if _OWE & said and _WE & said and not (bill or stated):
        return True  # what customers owe
    if not bill and _TAXED & {question.words[i].stem for i in question.spans("subtotal")}:
        return True
    prices = question.has("price", "dearest", "cheapest") and not bill
    if any(_other_points(question, figure, paper, prices=prices) for figure in _points(reading.steps[-1], paper)):
        return True
    for column, others in _columns(reading.steps, paper):
        if _MOVED & said and _KEPT & set(column.stems):
            return True
        dated = any(any(view.row_dates) for view in paper.tables if view.index == column.table)
        if question.has("price") and (column.percent or (dated and column.concepts == {"cost"})):
            return True
        bare = not column.money and column.unit is None
        if bare and _PAYS & said and how_much(question) and any(is_currency(other.unit) for other in others):
            return True
        if (
            prices
            and not column.concepts & _PRICES
            and _SUMS & {*column.stems}
            and not _about_prices(question, column, paper)
        ):
            return True
    return False


_OWE, _WE = frozenset(stems("owe owed schulden")), frozenset(stems("we i wir ich"))
_TAXED = frozenset(stems("tax vat gst mwst tva iva btw moms"))
_YES_OR_NO = frozenset(stems("is are was were did does do has have ist sind war est es sono"))
_BILLS = ("invoice", "receipt", "estimate")
_PRICES = frozenset({"price", "unit_price", "selling_price", "cost", "fee"})
_SUMS = frozenset(
    stems("net gross revenue sales budget value amount total balance sum betrag gesamt montant importe bedrag importo")
)
_PRICED = frozenset(stems("price cost fee rate tariff menu preis kosten prix tarif precio prijs prezzo spend budget"))


def _about_prices(question: Question, column: ColumnView, paper: PaperView) -> bool:
    """Whether what a table sums up are prices: its name says so, or the dearest is asked for of what is no person."""
    view = next(each for each in paper.tables if each.index == column.table)
    if not question.has("price") and paper.document.kind != "chart":
        return view.labels is None or person_column(view) != view.labels
    return any(_PRICED & set(stems(text)) for text in titles(paper, Measure(view, None, (), frozenset())))


def _other_points(question: Question, figure: int, paper: PaperView, *, prices: bool) -> bool:
    percent = paper.document.figures[figure].unit == "%"
    titled = {stem for text in titles(paper, Measure(None, None, paper.points, frozenset())) for stem in stems(text)}
    if question.has("money") or prices:
        return percent or (prices and not _PRICED & titled)
    return question.has("count") and bool(_MONEY & titled)


def taken_for_hours(question: Question, reading: Reading, paper: PaperView) -> str | None:
    """What is taken for granted when hours are asked for and a column only says how many: litres are none."""
    asked = next((word.raw for word in question.words if word.stem in _HOURS), None)
    if asked is None:
        return None
    for column, _ in _columns(reading.steps, paper):
        view = next(each for each in paper.tables if each.index == column.table)
        named = {row for mention in question.rows if mention.table == view.index for row in mention.rows}
        said = [set(column.stems), *(set().union(*view.row_stems[row]) for row in named)]
        if "quantity" in column.concepts and not any(_HOURS & stems_of for stems_of in said):
            return f'"{asked}" was taken to mean "{column.name}"'[:400]
    return None


_HOURS = frozenset(stems("hour hr stunde std heure hora uur uren ora ore timme timmar tim"))


def _points(step: Step, paper: PaperView) -> tuple[int, ...]:
    match step:
        case plans.LookupFigure():
            found: tuple[int, ...] = (step.figure,)
        case plans.Aggregate(values=plans.FigureValues() as values) | plans.Rank(values=plans.FigureValues() as values):
            found = values.figures
        case _:
            found = ()
    return tuple(figure for figure in found if figure in paper.points)


def _columns(steps: tuple[Step, ...], paper: PaperView) -> Iterator[tuple[ColumnView, list[ColumnView]]]:
    """The columns that steps take numbers from, each with the number columns of its table."""
    for step in steps:
        match step:
            case plans.LookupCell():
                table, column = step.table, step.column
            case (
                plans.Aggregate(values=plans.ColumnValues() as values)
                | plans.Rank(values=plans.ColumnValues() as values)
            ):
                table, column = values.table, values.column
            case plans.Group():
                table, column = step.table, step.column
            case _:
                continue
        view = next(each for each in paper.tables if each.index == table)
        yield view.columns[column], view.numeric
