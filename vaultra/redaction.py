"""Takes personal data out of text before it leaves the process in a log line or an error report.

Patterns, not understanding: e-mail addresses, card numbers (Luhn), IBANs (mod 97), US social security numbers and
phone numbers. Ids of ours (UUIDs, hashes) and timestamps are left whole, so that a line can still be followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# One pass decides what a run of characters is: alternatives are tried in order, and what must survive comes first.
_PATTERN = re.compile(
    r"(?P<keep>"
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"  # UUID
    r"|\b[0-9a-f]{32,128}\b"  # digest, trace id
    r"|\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b"  # traceparent
    r"|\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"  # date, timestamp
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"  # IPv4 address
    r")"
    r"|(?P<email>[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b)"
    r"|(?P<ssn>\b\d{3}-\d{2}-\d{4}\b)"
    r"|(?P<card>\b(?:\d[ -]?){12,18}\d\b)"
    r"|(?P<phone>(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}"
    r"|\(\d{3}\)[ .-]?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w]))"
)


def _is_card(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


_CHECKS: dict[str, Callable[[str], bool]] = {"card": _is_card, "iban": _is_iban}


def _replace(match: re.Match[str]) -> str:
    kind = match.lastgroup or "keep"
    text = match.group()
    check = _CHECKS.get(kind)
    if kind == "keep" or (check is not None and not check(text)):
        return text
    return f"[{kind}]"


def redact(text: str) -> str:
    """The text with personal data replaced by its kind in brackets, such as `[email]`."""
    return _PATTERN.sub(_replace, text)


def redact_all(value: Any, depth: int = 0) -> Any:
    """The same for every string in nested dicts, lists and tuples; what is neither is left as it is."""
    if isinstance(value, str):
        return redact(value)
    if depth > 8:
        return value
    if isinstance(value, dict):
        return {key: redact_all(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redact_all(item, depth + 1) for item in value)
    return value
