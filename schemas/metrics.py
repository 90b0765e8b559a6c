"""Figures about a business: one record a figure, a snapshot of them all, and what asks for a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import Amount, EventData, Value
from schemas.money import Currency

# Events a figure names itself; `event_count` says how many there are, and an explanation lists them all.
NAMED_EVENTS = 5

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Figure(Value):
    """One figure, with everything needed to doubt it. `value` None is unknown, for the reason in `unknown`.

    `unit`: `minor:<currency>` (integer minor units), `ratio` (0.05 is 5 %), `count`, `months`, `days`, `index`.
    `event_ids` are the first of the `event_count` facts on the ledger the figure rests on.
    """

    name: str
    value: Amount | None
    unit: str
    definition_version: int = 1
    as_of: datetime
    known_at: datetime
    event_ids: tuple[str, ...] = Field(default=(), max_length=NAMED_EVENTS)
    event_count: int = 0
    unknown: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.value is None) == (self.unknown is None):
            raise ValueError("a figure has a value or a reason for having none")
        return self


class MonthFigures(Value):
    """The figures of one complete UTC month, without those that are not known."""

    month: Month
    values: dict[str, Amount]


class Standing(Value):
    """What is not a figure but decides about a score: breaches and switches, with the events that show them.

    `event_ids` are all of them; `breach_events` those of each breach by its programme.
    """

    payouts_disabled: bool = False
    programme_breaches: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    breach_events: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class UnconvertedMoney(Value):
    """Money in a currency without a rate: kept, shown, never summed with the rest. Minor units of that currency."""

    currency: str
    amount: int
    charges: int


class DueEvidence(Value):
    """Something open that a person can act on before a date: a warned charge, a payout that came back, a
    dispute waiting for its evidence.

    `amount` in minor units of `currency`, 0 where a warned charge is not known.
    """

    kind: str
    object_id: str
    amount: int
    currency: str
    due_by: datetime | None = None
    event_ids: tuple[str, ...] = ()


class MetricsDue(EventData):
    """A business's figures are older than what is known of it.

    `ledger_offset` and `business_offset` are the newest offsets of its key on the topics `ledger` and `businesses`
    (-1 for none): the figures must see both. `closed_through` is the end of the newest month that was closed.
    """

    TYPE: ClassVar[str] = "vaultra.metrics.due.v1"
    business_id: str
    ledger_offset: int
    business_offset: int = -1
    closed_through: AwareDatetime | None = None


class MetricsComputed(EventData):
    """Every figure of a business at one moment: a pure function of its ledger as known at `known_at`.

    `as_of` is the newest moment anything is known of, or the end of a closed month. `months` are the last complete
    UTC months, oldest first. Money is in minor units of `currency`. `definitions` are versions that differ from 1.
    """

    TYPE: ClassVar[str] = "vaultra.metrics.computed.v1"
    business_id: str
    livemode: bool
    as_of: datetime
    known_at: datetime
    currency: Currency
    ledger_offset: int
    business_offset: int = -1
    figures: tuple[Figure, ...]
    months: tuple[MonthFigures, ...] = ()
    standing: Standing = Standing()
    unconverted: tuple[UnconvertedMoney, ...] = ()
    open_matters: tuple[DueEvidence, ...] = ()
    definitions: dict[str, int] = Field(default_factory=dict)
    rates_through: str | None = Field(default=None, description="date of the newest exchange rate that was at hand")

    def figure(self, name: str) -> Figure:
        """The figure of that name. Raises KeyError."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def value(self, name: str) -> Amount | None:
        """Its value, None where unknown or not there at all."""
        return next((figure.value for figure in self.figures if figure.name == name), None)
