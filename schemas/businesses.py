"""What is said about a business besides what Stripe reports: its owner's declarations, and the calendar."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from schemas.base import EventData
from schemas.metrics import Month
from schemas.money import Currency


class BusinessDeclared(EventData):
    """What the owner declares, whole: a later declaration replaces an earlier one. Amounts in minor units a month.

    `monthly_burn` is what the business spends a month outside Stripe, `monthly_debt_service` what its loans take.
    """

    TYPE: ClassVar[str] = "vaultra.business.declared.v1"
    business_id: str
    name: str | None = Field(default=None, max_length=200)
    reporting_currency: Currency | None = None
    monthly_burn: int | None = Field(default=None, ge=0, le=10**15)
    monthly_debt_service: int | None = Field(default=None, ge=0, le=10**15)


class MonthClosed(EventData):
    """A complete UTC month has ended for a business. `closed_at` is its end, the first instant of the next."""

    TYPE: ClassVar[str] = "vaultra.business.month_closed.v1"
    business_id: str
    month: Month
    closed_at: AwareDatetime
