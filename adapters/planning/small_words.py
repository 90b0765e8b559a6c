"""Small words that rules look at one by one, as stems: and, or, to, per, which, percent, and units of time."""

from __future__ import annotations

from adapters.planning.words import words


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, of at most two dozen."""
    return tuple(word.stem for word in words(text, 24))


AND = frozenset(stems("and und et y en e"))
OR = frozenset(stems("or oder ou o of"))
TO = frozenset(stems("to until till through thru bi bis a al hasta tot au jusqu fino up"))
SINCE = frozenset(stems("since starting seit depuis desde vanaf"))
PER = frozenset(stems("per by each every pro je nach par por"))
WHICH = frozenset(
    stems("which what who when welche welcher welches welchem wann quel quelle quand cual cuando welk welke quale")
)
PERCENT = frozenset(stems("% percent percentage prozent pourcentage porcentaje percentuale procent"))

UNITS: dict[str, frozenset[str]] = {
    "day": frozenset(stems("day tag jour dia dag giorno date")),
    "week": frozenset(stems("week woche semaine semana settimana")),
    "month": frozenset(stems("month monat moi mois mes maand mese")),
    "quarter": frozenset(stems("quarter quartal trimestre kwartaal")),
    "year": frozenset(stems("year jahr annee ano jaar anno")),
}
TIME_UNITS = frozenset().union(*UNITS.values())
ADVERBS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
