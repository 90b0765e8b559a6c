"""Whether the number that a reading gives is of the kind that the question asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    if question.has("amount_due") and (paper.document.total or 0) < 0:
        return True
    if _asks_yes_or_no(question) or _asks_what_we_owe(question, reading, paper) or _asks_before_tax(question, paper):
        return True
    prices = question.has("price", "dearest", "cheapest") and not _is_bill(paper)
    if any(_other_points(question, figure, paper, prices=prices) for figure in _points(reading.steps[-1], paper)):
        return True
    return any(
        _stock_for_sold(question, column)
        or _cost_of_day_for_price(question, column, paper)
        or _hours_for_pay(question, column, others)
        or (prices and _sums_for_prices(question, column, paper))
        for column, others in _columns(reading.steps, paper)
    )


def _is_bill(paper: PaperView) -> bool:
    return paper.document.kind in ("invoice", "receipt", "estimate")


def _says(question: Question, stems_of: frozenset[str]) -> bool:
    return any(word.stem in stems_of for word in question.words)


def _asks_yes_or_no(question: Question) -> bool:
    """`is it paid?`, `was it above 100?`: "does the total add up?" is answered as a check."""
    first = question.words[:1]
    asked = question.has("gt", "lt", "ge", "le", "pay", "paid") and not question.has("check")
    return asked and any(word.stem in _YES_OR_NO for word in first)


def _asks_what_we_owe(question: Question, reading: Reading, paper: PaperView) -> bool:
    """`how much do we owe` of a list of what customers owe: only a bill, or a paper that states it, says."""
    stated = isinstance(reading.steps[-1], plans.LookupFigure)
    stated |= any("amount_due" in column.concepts for column, _ in _columns(reading.steps, paper))
    return _says(question, _OWE) and _says(question, _WE) and not (_is_bill(paper) or stated)


def _asks_before_tax(question: Question, paper: PaperView) -> bool:
    return not _is_bill(paper) and any(question.words[i].stem in _TAXES for i in question.spans("subtotal"))


def _stock_for_sold(question: Question, column: ColumnView) -> bool:
    return _says(question, _MOVED) and bool(_KEPT & {*column.stems})


def _cost_of_day_for_price(question: Question, column: ColumnView, paper: PaperView) -> bool:
    """Or a percentage: where rows are dated, a cost is what was spent that day."""
    dated = any(paper.table(column.table).row_dates)
    return question.has("price") and (column.percent or (dated and column.concepts == {"cost"}))


def _hours_for_pay(question: Question, column: ColumnView, others: Sequence[ColumnView]) -> bool:
    bare = not column.money and column.unit is None
    return bare and _says(question, _PAYS) and how_much(question) and any(is_currency(other.unit) for other in others)


def _sums_for_prices(question: Question, column: ColumnView, paper: PaperView) -> bool:
    sums = not column.concepts & _PRICES and bool(_SUMS & {*column.stems})
    return sums and not _about_prices(question, column, paper)


_OWE, _WE = frozenset(stems("owe owed schulden")), frozenset(stems("we i wir ich"))
_TAXES = frozenset(stems("tax vat gst mwst tva iva btw moms"))
_YES_OR_NO = frozenset(stems("is are was were did does do has have ist sind war est es sono"))
_PRICES = frozenset({"price", "unit_price", "selling_price", "cost", "fee"})
_SUMS = frozenset(
    stems("net gross revenue sales budget value amount total balance sum betrag gesamt montant importe bedrag importo")
)
_PRICED = frozenset(stems("price cost fee rate tariff menu preis kosten prix tarif precio prijs prezzo spend budget"))


def _about_prices(question: Question, column: ColumnView, paper: PaperView) -> bool:
    """Whether what a table sums up are prices: its name says so, or the dearest is asked for of what is no person."""
    view = paper.table(column.table)
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
        view = paper.table(column.table)
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
        view = paper.table(table)
        yield view.columns[column], view.numeric
