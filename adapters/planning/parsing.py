"""Takes a question apart: which concepts its words name, which dates they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.planning.dates import When
from adapters.planning.mentions import column_mentions, figure_mentions, row_mentions
from adapters.planning.paper import PaperView
from adapters.planning.question import NEUTRAL, Question, Span
from adapters.planning.small_words import PERCENT, stems
from adapters.planning.vocabulary import MONTHS, longest_phrase, phrase_table
from adapters.planning.words import Word, alike, words


def parse(text: str, paper: PaperView) -> Question:
    found = words(text)
    question = Question(text, found, _concepts(found))
    question.whens = _whens(found)
    _describe_document(question, paper)
    question.rows = [m for m in row_mentions(question, paper) if not _unit_of_number(question, m.span)]
    _named_in_full(question, paper)
    question.columns = column_mentions(question, paper)
    _headed_in_full(question, paper)
    _noun_before_its_number(question)
    question.figures = figure_mentions(question, paper)
    return question


def _named_in_full(question: Question, paper: PaperView) -> None:
    """`the total assets` of a row called so: words of a longer name stand for nothing by themselves."""
    for mention in question.rows:
        name = {word.stem for word in question.words[mention.span.start : mention.span.end]}
        stated = any(name <= set(label) for label in paper.figure_stems)
        if not mention.whole or mention.column is None or len(name) < 2 or stated:
            continue
        _forget_inside(question, mention.span)


def _headed_in_full(question: Question, paper: PaperView) -> None:
    """`which cost centre`: no cost is asked for, where a column of names is called so."""
    for mention in question.columns:
        view = paper.table(mention.table)
        if mention.whole and not view.columns[mention.column].numeric and mention.span.end - mention.span.start > 1:
            _forget_inside(question, mention.span)


def _forget_inside(question: Question, span: Span) -> None:
    for concept in question.concepts.keys() - NEUTRAL:
        left = [other for other in question.concepts[concept] if not other.indices < span.indices]
        question.concepts[concept] = left
    question.concepts = {concept: spans for concept, spans in question.concepts.items() if spans}


def _noun_before_its_number(question: Question) -> None:
    """`after payment 6`: under a column of numbers of rows it names one, and not the column of payments."""
    numbered = [m for m in question.rows if m.whole and question.words[m.span.start].number is not None]
    for row in numbered:
        nouns = [m for m in question.columns if m.table == row.table and m.span.end == row.span.start]
        if nouns:
            question.columns = [m for m in question.columns if m not in nouns]
            span = Span(nouns[0].span.start, row.span.end)
            question.rows = [replace(m, span=span) if m is row else m for m in question.rows]


def _unit_of_number(question: Question, span: Span) -> bool:
    """`over 7,000 EUR` is in euros, and names no rows whose currency is EUR."""
    before = question.words[span.start - 1] if span.start else None
    return before is not None and before.number is not None and span.indices <= question.spans("money")


def _describe_document(question: Question, paper: PaperView) -> None:
    """`the hotel bill`: a word before the document's own name that the page prints says which one it is."""
    known = {i for spans in question.concepts.values() for span in spans for i in span.indices}
    named = [span.start - 1 for span in question.concepts.get("document", ()) if span.start - 1 not in known]
    for at in (at for at in named if at >= 0):
        if any(question.words[at].stem in stems(line.text) for line in paper.document.lines):
            question.concepts["document"].append(Span(at, at + 1))


def _concepts(found: Sequence[Word]) -> dict[str, list[Span]]:
    table, taken = phrase_table(), [0] * len(found)
    concepts: dict[str, list[Span]] = {}
    for length in range(min(longest_phrase(), len(found)), 0, -1):
        for start in range(len(found) - length + 1):
            names = table.get(tuple(word.stem for word in found[start : start + length]))
            if not names or any(taken[start : start + length]):
                continue
            for name in names:
                concepts.setdefault(name, []).append(Span(start, start + length))
            if length > 1:
                taken[start : start + length] = [1] * length
    # "VAT at 7%" asks for no share: the sign belongs to the number.
    shares = [
        span
        for span in concepts.get("share", ())
        if not (span.end - span.start == 1 and _percent_of_number(found, span.start))
    ]
    if "share" in concepts:
        concepts["share"] = shares
        if not shares:
            del concepts["share"]
    for position, word in enumerate(found):
        alone = position + 1 == len(found) or found[position + 1].stem not in (
            "much",
            "many",
            "high",
            "big",
            "large",
            "long",
        )
        if word.stem == "how" and alone and not taken[position]:
            concepts.setdefault("manner", []).append(Span(position, position + 1))
    return _misspelt(found, _by_context(found, concepts))


def _by_context(found: Sequence[Word], concepts: dict[str, list[Span]]) -> dict[str, list[Span]]:
    """Words that mean another thing where they stand: "paid in the first three payments" is nothing paid in, and "by
    how much did cash change" asks for no change given back."""

    def moved(name: str, to: str, span: Span, *, end: int) -> None:
        concepts[name] = [other for other in concepts[name] if other != span]
        concepts.setdefault(to, []).append(Span(span.start, end))
        if not concepts[name]:
            del concepts[name]

    for span in list(concepts.get("credit", ())):
        following = found[span.end].stem if span.end < len(found) else ""
        if [word.stem for word in found[span.start : span.end]] == ["paid", "in"] and (
            following in ("the", "this", "each") or following in MONTHS or following.isdigit()
        ):
            moved("credit", "pay", span, end=span.end - 1)
            concepts.setdefault("function", []).append(Span(span.end - 1, span.end))
    for span in list(concepts.get("change", ())):
        asked = {word.stem for word in found[: span.start]} & {"did", "has", "have", "does"}
        if asked and found[span.start].stem in ("change", "changed") and span.end - span.start == 1:
            moved("change", "growth", span, end=span.end)
    return concepts


def _percent_of_number(found: Sequence[Word], at: int) -> bool:
    return found[at].stem in PERCENT and at > 0 and found[at - 1].number is not None


def _misspelt(found: Sequence[Word], concepts: dict[str, list[Span]]) -> dict[str, list[Span]]:
    """A long word that nothing knows and that is one edit from a known one: "totl" no, "avarage" yes."""
    known = {i for spans in concepts.values() for span in spans for i in span.indices}
    table = phrase_table()
    for position, word in enumerate(found):
        if position in known or len(word.stem) < 6 or not word.stem.isalpha():
            continue
        close = [
            phrase
            for phrase in table
            if len(phrase) == 1
            and len(phrase[0]) >= 6
            and (alike(phrase[0], word.stem) or ("row" in table[phrase] and _plural(phrase[0], word.stem)))
        ]
        names = {name for phrase in close for name in table[phrase]}
        # "posters" is no misspelt "Posten": what is counted is never guessed, but for its plural.
        if names & {"row", "transaction", "point"} and not any(_plural(phrase[0], word.stem) for phrase in close):
            continue
        if len(names) == 1:
            concepts.setdefault(names.pop(), []).append(Span(position, position + 1))
    return concepts


def _plural(known: str, said: str) -> bool:
    """`Positionen` of `Position`, `articoli` of `articolo`."""
    if said.startswith(known) and said[len(known) :] in ("e", "n", "en", "er", "s", "es"):
        return True
    return known[:-1] == said[:-1] and known[-1] in "oae" and said[-1] in "ie"


_BEFORE_MAY = {
    "in",
    "of",
    "for",
    "to",
    "from",
    "and",
    "between",
    "since",
    "until",
    "through",
    "during",
    "by",
    "than",
    "on",
    "or",
}


def _whens(found: Sequence[Word]) -> list[tuple[Span, When]]:
    """Months, quarters, years and days in a question: `March`, `Q1 2023`, `5 January`, `2021`."""
    result: list[tuple[Span, When]] = []
    position = 0
    while position < len(found):
        start, month, day, year, quarter = position, None, None, None, None
        end = position
        while end < len(found):
            word = found[end]
            number = word.number
            if number is not None and number == int(number) and word.raw.isdigit():
                if 1900 <= number <= 2100 and year is None:
                    year = int(number)
                elif 1 <= number <= 31 and day is None and _month_beside(found, end):
                    day = int(number)
                else:
                    break
            elif word.stem in MONTHS and month is None and _is_month(found, end):
                month = MONTHS[word.stem]
            elif word.stem == "q" and quarter is None and end + 1 < len(found) and found[end + 1].raw in "1234":
                quarter = int(found[end + 1].raw)
                end += 1
            elif (
                word.stem in ("first", "second", "third", "fourth")
                and found[end + 1 : end + 2]
                and found[end + 1].stem == "quarter"
            ):
                quarter = ("first", "second", "third", "fourth").index(word.stem) + 1
                end += 1
            elif not (
                end > start
                and word.stem in ("of", "the", "st", "nd", "rd", "th", "de", "del", "di")
                and end + 1 < len(found)
                and (found[end + 1].stem in MONTHS or found[end + 1].raw.isdigit())
            ):
                break
            end += 1
        if end > start and (month or year or quarter):
            result.append((Span(start, end), When(year, month, day, quarter)))
            position = end
        else:
            position += 1
    return result


def _month_beside(found: Sequence[Word], at: int) -> bool:
    near = [word.stem for word in (*found[max(0, at - 2) : at], *found[at + 1 : at + 4])]
    return any(stem in MONTHS for stem in near)


def _is_month(found: Sequence[Word], at: int) -> bool:
    word = found[at]
    if word.stem not in ("may", "mar", "march", "mai", "set", "dec", "sep", "abr"):
        return True
    before = found[at - 1].stem if at else ""
    return (word.raw[0].isupper() and at > 0) or before in _BEFORE_MAY
