"""Reading Stripe's JSON without trusting it: a field may be missing, null, expanded, a string, or something else.

What is optional and cannot be read is None. What a fact cannot do without raises UnreadablePayload, with the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.errors import UnreadablePayload
from schemas.money import LARGEST_MINOR, to_minor

Raw = Mapping[str, Any]

_LONGEST_TEXT = 500


def text(value: Any) -> str | None:
    """A string that is not empty, cut to what any id or name of Stripe's needs."""
    if value is None or not isinstance(value, str) or not value:
        return None
    found = value[:_LONGEST_TEXT]
    return found.replace("\0", "\ufffd") if "\0" in found else found


def ref(value: Any) -> str | None:
    """The id of an object that is given by its id or expanded."""
    if value is None:  # most are, and a payload has many
        return None
    if type(value) is dict:
        value = value.get("id")
    return text(value)


def flag(value: Any) -> bool | None:
    return value if type(value) is bool else None


def part(value: Any) -> Raw:
    """A nested object; an empty one where there is none."""
    return value if type(value) is dict else {}


def listed(value: Any) -> list[Any]:
    """The members of a list object (`{"data": […]}`) or of a plain list; empty where it is neither."""
    if type(value) is dict:
        value = value.get("data")
    return value if type(value) is list else []


def objects(value: Any) -> Iterator[Raw]:
    """The expanded objects among the members of a list."""
    return (member for member in listed(value) if type(member) is dict)


def number(value: Any) -> int | None:
    """A whole number, whether it is written as one, as a string, or with a decimal point."""
    if type(value) is int:
        return value
    if type(value) is str and value.strip().lstrip("-").isdecimal() and len(value) < 25:
        return int(value)
    if type(value) is float and value.is_integer():
        return int(value)
    return None


def decimal(value: Any) -> str | None:
    """A decimal as text: from Stripe's `…_decimal` strings, or from a JSON number."""
    if type(value) in (int, float):
        value = str(value)
    return text(value)


def instant(value: Any) -> datetime | None:
    """A point in time from Unix seconds, or from ISO 8601 as v2 events write it."""
    if value is None:
        return None
    try:
        if type(value) is int:
            return datetime.fromtimestamp(value, UTC)
        if type(value) is str and not value.isdecimal():
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        seconds = number(value)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def currency_of(raw: Raw) -> str:
    """The object's currency, in lower case. Raises UnreadablePayload where it has none."""
    found = text(raw.get("currency"))
    if found is None:
        raise UnreadablePayload(f"{name_of(raw)}: currency is missing")
    return found.lower()


def optional_currency(raw: Raw) -> str | None:
    found = text(raw.get("currency"))
    return found.lower() if found else None


def amount(raw: Raw, field: str, currency: str) -> int:
    """An amount in minor units. Raises UnreadablePayload where it is missing or no amount."""
    found = optional_amount(raw, field, currency)
    if found is None:
        raise UnreadablePayload(f"{name_of(raw)}: {field} is missing")
    return found


def unsigned_amount(raw: Raw, field: str, currency: str) -> int:
    """An amount that is never negative: the object's type says which way it moves. Raises as `amount` does."""
    found = amount(raw, field, currency)
    if found < 0:
        raise UnreadablePayload(f"{name_of(raw)}: {field} is {found}, less than nothing")
    return found


def optional_amount(raw: Raw, field: str, currency: str) -> int | None:
    """An amount in minor units, None where it is missing. Raises UnreadablePayload for what is no amount.

    Integers are minor units, also as strings; a string with a decimal point (some exports) is in the currency's unit.
    """
    value = raw.get(field)
    if value is None:
        return None
    whole = number(value)
    if whole is None and type(value) is str and "." in value:
        try:
            whole = to_minor(value, currency)
        except ValueError as error:
            raise UnreadablePayload(f"{name_of(raw)}: {field}: {error}") from error
    if whole is None or abs(whole) > LARGEST_MINOR:
        raise UnreadablePayload(f"{name_of(raw)}: {field} is {str(value)[:40]!r}, no amount")
    return whole


def name_of(raw: Raw) -> str:
    """An object as a reason names it: `charge ch_1`."""
    return f"{text(raw.get('object')) or 'object'} {text(raw.get('id')) or 'without id'}"
