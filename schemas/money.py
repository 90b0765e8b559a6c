"""Money: integers in minor units with an ISO currency, and how many decimals a currency has at Stripe."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import Field

# The widest integers that JSON readers in other languages keep exact.
LARGEST_MINOR = 2**53 - 1

# An amount in the currency's smallest unit, as Stripe's API states it: cents, yen, fils.
Minor = Annotated[int, Field(ge=-LARGEST_MINOR, le=LARGEST_MINOR)]
# An ISO 4217 code in lower case, as Stripe writes it. Codes that no rate table knows are kept.
Currency = Annotated[str, Field(pattern=r"^[a-z]{3,5}$")]

# Source: Stripe's "Supported currencies". ISK and UGX have no decimals of their own but are sent with two.
ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def exponent(currency: str) -> int:
    """How many decimals stand behind the unit in Stripe's integers: 0, 2 or 3."""
    code = currency.lower()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def to_minor(major: str, currency: str) -> int:
    """Minor units of a decimal in the currency's unit: `"10.50"` of usd is 1050.

    Raises ValueError where it is no number, has more decimals than the currency, or is out of range.
    """
    try:
        scaled = Decimal(major).scaleb(exponent(currency))
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"{major[:40]!r} is no amount of {currency}") from error
    if whole != scaled or abs(whole) > LARGEST_MINOR:
        raise ValueError(f"{major[:40]!r} is no amount of {currency}")
    return whole


def to_major(minor: int, currency: str) -> Decimal:
    """The decimal a person reads: 1050 of usd is 10.50, of jpy 1050."""
    return Decimal(minor).scaleb(-exponent(currency))
