"""What a definition sees of a business at one moment: its books, gathered once and shared by all definitions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from processors.measuring.books import Books, Declaration
from processors.measuring.flows import Flows, Recorded
from processors.measuring.money import Converter, reporting_currency
from processors.measuring.periods import Calendar
from processors.measuring.recurring import Recurring
from schemas.reference import Reference

T = TypeVar("T")
_events = attrgetter("events")


class View:
    """A business's books up to `as_of` (epoch second, inclusive), with sums by month made when first asked for.

    `last` is the last complete UTC month, `first` the month of the first sale, `currency` the reporting currency.
    """

    def __init__(self, books: Books, reference: Reference, as_of: int) -> None:
        self.books = books
        self.reference = reference
        self.as_of = as_of
        self.calendar = Calendar()
        self.currency = reporting_currency(books)
        self.convert = Converter(self.currency, reference.rates)
        self._once: dict[Hashable, Any] = {}

    @cached_property
    def flows(self) -> Flows:
        return Flows(self.books, self.convert, self.calendar, self.as_of)

    @cached_property
    def recurring(self) -> Recurring:
        return Recurring(self.books, self.convert, self.calendar, self.as_of)

    @property
    def declared(self) -> Declaration | None:
        """What the owner declared last, also of a moment before: the books know no more than was known."""
        return self.books.declarations[-1] if self.books.declarations else None

    @property
    def first(self) -> int:
        return self.flows.first

    @property
    def last(self) -> int:
        return self.calendar.month(self.as_of) - 1

    def history(self, month: int) -> int:
        """Complete months from the first sale's month to `month`; 0 before the first sale."""
        return max(0, month - self.first + 1) if self.flows.sales[0] else 0

    def trailing(self, count: int, month: int) -> tuple[int, int]:
        """The first and last of the `count` months that end with `month`, no earlier than the first sale's."""
        return max(self.first, month - count + 1), month

    def end(self, month: int) -> int:
        """The first second after a month."""
        return self.calendar.start(month + 1)

    def count_events(self, part: Sequence[Recorded]) -> int:
        """How many facts records rest on. Sales are shared by several figures and were counted by month."""
        counted = self.flows.events_of(part)
        return sum(map(len, map(_events, part))) if counted is None else counted

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What several definitions need, made when the first asks for it."""
        if key not in self._once:
            self._once[key] = make()
        made: T = self._once[key]
        return made
