"""Personal data goes, ids stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.redaction import redact, redact_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.co.uk now", "write to [email] now"),
        ("card 4242 4242 4242 4242.", "card [card]."),
        ("card 4242-4242-4242-4242", "card [card]"),
        ("amex 378282246310005", "amex [card]"),
        ("IBAN NL91 ABNA 0417 1643 00 ok", "IBAN [iban] ok"),
        ("IBAN DE89370400440532013000", "IBAN [iban]"),
        ("ssn 078-05-1120", "ssn [ssn]"),
        ("call +1 (425) 555-0100 or (425) 555-0100", "call [phone] or [phone]"),
        ("call 425-555-0100, +49 30 901820", "call [phone], [phone]"),
    ],
)
def test_redact_replaces_when_text_holds_personal_data(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "job 0192f0c1-8a7b-7c3d-9e4f-1a2b3c4d5e6f",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "2026-11-21T22:33:00.123456Z",
        "listening on 127.0.0.1:8321",
        "1,234,567.89 EUR",
        "4242 4242 4242 4241",  # fails Luhn: a number, no card
        "offset 12345678 of partition 12",
    ],
)
def test_redact_leaves_text_when_it_only_looks_like_it(text: str) -> None:
    assert redact(text) == text


def test_redact_all_reaches_every_string_when_nested() -> None:
    value = {"a": ["x@example.com", {"b": ("y@example.com", 3)}], "c": None}
    assert redact_all(value) == {"a": ["[email]", {"b": ("[email]", 3)}], "c": None}


@given(st.text(max_size=300))
def test_redact_is_idempotent_when_applied_twice(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
