"""Accounts, authorisations, external accounts and capabilities: newest shape → canonical state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from processors.ledger.reading import Raw, flag, instant, listed, optional_currency, part, text
from schemas.ledger.accounts import Account, Capability, ExternalAccount


def account(raw: Raw, seen: datetime) -> Account:
    requirements = part(raw.get("requirements"))
    dashboard = part(part(raw.get("settings")).get("dashboard"))
    currency = text(raw.get("default_currency"))
    return Account(
        name=text(part(raw.get("business_profile")).get("name"))
        or text(dashboard.get("display_name"))
        or text(raw.get("display_name")),
        country=text(raw.get("country")),
        default_currency=currency.lower() if currency else None,
        type=text(raw.get("type")),
        charges_enabled=flag(raw.get("charges_enabled")),
        payouts_enabled=flag(raw.get("payouts_enabled")),
        details_submitted=flag(raw.get("details_submitted")),
        disabled_reason=text(requirements.get("disabled_reason")),
        currently_due=_names(requirements.get("currently_due")),
        past_due=_names(requirements.get("past_due")),
        due_by=instant(requirements.get("current_deadline")),
        at=instant(raw.get("created")),
    )


def _names(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(text, listed(value))))


def external_account(raw: Raw, seen: datetime) -> ExternalAccount:
    return ExternalAccount(
        type=text(raw.get("object")) or "bank_account",
        currency=optional_currency(raw),
        country=text(raw.get("country")),
        status=text(raw.get("status")),
        default_for_currency=flag(raw.get("default_for_currency")),
    )


def capability(raw: Raw, seen: datetime) -> Capability:
    return Capability(
        capability=text(raw.get("id")) or "unknown",
        status=text(raw.get("status")),
        requested=flag(raw.get("requested")),
        disabled_reason=text(part(raw.get("requirements")).get("disabled_reason")),
    )
