"""Currencies: symbols and ISO 4217 codes as printed next to amounts, and a document's currency by evidence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

# A `$`, `kr` or `¥` alone does not say whose; the candidates in the order tried.
AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "MXN", "SGD", "HKD", "ARS", "CLP", "COP", "BRL"),
    "kr": ("SEK", "NOK", "DKK"),
    "¥": ("JPY", "CNY"),
    "Rs": ("INR", "PKR", "LKR"),
}
SYMBOLS: dict[str, str] = {
    "US$": "USD", "U$S": "USD", "CA$": "CAD", "C$": "CAD", "CDN$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "S$": "SGD", "MX$": "MXN", "R$": "BRL", "NT$": "TWD", "€": "EUR", "£": "GBP", "₹": "INR",
    "₩": "KRW", "₺": "TRY", "₽": "RUB", "₪": "ILS", "₫": "VND", "₴": "UAH", "₦": "NGN", "₱": "PHP", "₿": "BTC",
    "zł": "PLN", "zl": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON", "Fr.": "CHF", "SFr.": "CHF", "円": "JPY",
    "元": "CNY", "Rs.": "INR", "RM": "MYR", "฿": "THB",
}  # fmt: skip
CODES = frozenset(
    [
        "USD",
        "EUR",
        "GBP",
        "CHF",
        "JPY",
        "CNY",
        "CAD",
        "AUD",
        "NZD",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
        "RUB",
        "UAH",
        "INR",
        "PKR",
        "LKR",
        "BRL",
        "MXN",
        "ARS",
        "CLP",
        "COP",
        "PEN",
        "SGD",
        "HKD",
        "TWD",
        "KRW",
        "THB",
        "MYR",
        "IDR",
        "PHP",
        "VND",
        "ZAR",
        "NGN",
        "KES",
        "EGP",
        "AED",
        "SAR",
        "QAR",
        "KWD",
        "ILS",
        "MAD",
    ]
)
# Spelt-out names, lower case, that settle a document's currency.
_NAMES = {
    "euro": "EUR", "euros": "EUR", "us dollars": "USD", "u.s. dollars": "USD", "canadian dollars": "CAD",
    "australian dollars": "AUD", "pounds sterling": "GBP", "swiss francs": "CHF", "schweizer franken": "CHF",
    "dólares americanos": "USD", "pesos mexicanos": "MXN", "svenska kronor": "SEK", "danske kroner": "DKK",
}  # fmt: skip
# Words that point to a country whose currency is also written `$`, `kr`, `¥` or `Rs`.
_HINTS: dict[str, tuple[str, ...]] = {
    "CAD": ("canada", "canadian", "ontario", "toronto", "vancouver", "montreal", "québec", "quebec", "gst/hst", "hst",
            "interac", "cheque", "chequing"),
    "AUD": ("australia", "australian", "abn", "sydney", "melbourne", "brisbane", "nsw", "bsb"),
    "NZD": ("new zealand", "auckland", "wellington"),
    "MXN": ("méxico", "mexico", "rfc", "cdmx"),
    "SGD": ("singapore",),
    "HKD": ("hong kong",),
    "ARS": ("argentina", "cuit", "buenos aires"),
    "CLP": ("chile", "rut"),
    "COP": ("colombia", "nit", "bogotá", "bogota"),
    "SEK": ("sverige", "sweden", "stockholm", "moms", "org.nr", "bankgiro"),
    "NOK": ("norge", "norway", "oslo", "mva"),
    "DKK": ("danmark", "denmark", "københavn", "cvr"),
    "JPY": ("japan", "tokyo", "東京", "日本", "消費税", "税込", "合計"),
    "CNY": ("china", "中国", "北京", "上海", "人民币", "发票", "合计", "金额"),
    "PKR": ("pakistan", "karachi", "lahore"),
    "LKR": ("sri lanka", "colombo"),
    "INR": ("india", "gst", "gstin", "mumbai", "delhi"),
}  # fmt: skip

_SYMBOLS_BY_LENGTH = sorted([*SYMBOLS, *AMBIGUOUS], key=len, reverse=True)
SYMBOL_PATTERN = "|".join(re.escape(s) + (r"(?![^\W\d_])" if s[-1].isalpha() else "") for s in _SYMBOLS_BY_LENGTH)
CODE_PATTERN = "|".join(sorted(CODES))


def mark_of(text: str) -> str | None:
    """The currency mark equal to the text: an ISO code, or a symbol as listed (`€`, `$`, `kr`); None otherwise."""
    if text.upper() in CODES and text.isupper():
        return text
    for symbol in _SYMBOLS_BY_LENGTH:
        if symbol == text or (symbol.lower() == text.lower() and len(symbol) > 1):
            return symbol
    return None


def code_of(mark: str) -> str | None:
    """ISO code of a mark, None where the mark alone does not say."""
    if mark in CODES:
        return mark
    return SYMBOLS.get(mark)


def document_currency(marks: Iterable[str], texts: Iterable[str]) -> str | None:
    """The currency that a document's amounts are in, or None when the evidence is missing or divided.

    `marks` are those printed next to amounts, one entry per amount; `texts` all lines of the document.
    """
    lines = [line.lower() for line in texts]
    counts: Counter[str] = Counter()
    for mark in marks:
        code = code_of(mark)
        counts[code if code else mark] += 1
    named = _named(lines)
    if not counts:
        return next(iter(named)) if len(named) == 1 else None
    (best, number), *others = counts.most_common()
    rivals = [mark for mark, count in others if count * 3 > number]
    if best in AMBIGUOUS or any(rival in AMBIGUOUS for rival in rivals):
        return _settled(best, rivals, named, lines)
    return best if not rivals else None


def _settled(best: str, rivals: list[str], named: set[str], lines: list[str]) -> str | None:
    """Whose `$` (or `kr`, `¥`, `Rs`) it is: a code printed beside it, a name, a country; USD and JPY else."""
    marks = [best, *rivals]
    codes = {mark for mark in marks if mark in CODES}
    symbols = {mark for mark in marks if mark in AMBIGUOUS}
    if len(symbols) != 1 or len(codes) > 1:
        return None
    (symbol,) = symbols
    candidates = AMBIGUOUS[symbol]
    if codes:
        (code,) = codes
        return code if code in candidates else None
    stated = named & set(candidates)
    if stated:
        return next(iter(stated)) if len(stated) == 1 else None
    hinted = {
        code for code in candidates if any(_mentions(line, hint) for line in lines for hint in _HINTS.get(code, ()))
    }
    if len(hinted) == 1:
        return next(iter(hinted))
    if hinted:
        return None
    return {"$": "USD", "¥": None, "kr": None, "Rs": "INR"}[symbol]


def _named(lines: list[str]) -> set[str]:
    """Currencies the text names: `amounts in EUR`, `all prices in euros`, a code standing alone."""
    found = {code for line in lines for name, code in _NAMES.items() if _mentions(line, name)}
    for line in lines:
        found.update(word.upper() for word in re.findall(r"(?<![\w-])[a-z]{3}(?![\w-])", line) if word.upper() in CODES)
    return found


def _mentions(line: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", line) is not None
