"""Whether a document says that its numbers stand for thousands or millions: "(in thousands)", "USD m", "TEUR".

Numbers are kept as they are printed, as a scale may be meant for a page, a table or one axis; the reader is told.
"""

from __future__ import annotations

import re

from schemas.documents import DocumentDescription

_MONEY = r"(?:[$€£¥₹]|[A-Z]{2,3}\$|USD|EUR|GBP|CHF|CAD|AUD|JPY|SEK|NOK|DKK|INR|US\s?dollars|dollars|euros?|pounds)"
_WORD = r"(?:thousands?|millions?|billions?|lakhs?|crores?|Tausend|Millionen|Milliarden)"
_SHORT = r"(?:'?000s?|k|m|mn|mln|bn|Tsd\.?|Mio\.?|Mrd\.?)"
_SAID = re.compile(
    "|".join(
        (
            rf"\bin\s+(?:{_MONEY}\s+)?{_WORD}\b(?:\s+(?:of\s+)?{_MONEY})?",
            rf"\bin\s+(?:{_MONEY}\s?)?(?:Tsd\.?|Mio\.?|Mrd\.?)(?!\w)(?:\s?{_MONEY})?",
            rf"\(\s*(?:{_MONEY}\s?)?{_WORD}(?:\s+(?:of\s+)?{_MONEY})?\s*\)",
            rf"\(\s*{_MONEY}\s?{_SHORT}\s*\)",
            rf"\(\s*(?:'?000s?|Tsd\.?|Mio\.?|Mrd\.?)(?:\s?{_MONEY})?\s*\)",
            rf"(?<![\w.,]){_MONEY}\s?'000s?\b",
            rf"(?<![\w.,]){_MONEY}\s+(?:thousands|millions|billions)\b",
            r"\b(?:en|em)\s+(?:milliers|milliards|miles|millones|milhares|milhões)\b",
            r"\bT(?:EUR|€|USD|CHF)(?!\w)",
        )
    ),
    re.IGNORECASE,
)


def printed_scale(document: DocumentDescription) -> str | None:
    """The document's own words for the scale of its numbers; None where it names none."""
    for line in document.lines:
        if found := _SAID.search(line.text):
            return found[0].strip(" ()")
    return None
