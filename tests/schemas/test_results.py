"""What a program claims is taken as hostile input: words that are no words never get into an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import InvalidResult
from schemas.results import parse_result


@pytest.mark.parametrize("words", ["a\0b", "\x1b[2J", "a\rb", "\x9b31m", "\u202etxt.exe", "\u2066x", "\ud800"])
@pytest.mark.parametrize("place", ["text", "unit", "label", "check"])
def test_result_is_refused_when_its_words_hold_control_characters(words: str, place: str) -> None:
    claims: dict[str, dict[str, Any]] = {
        "text": {"kind": "text", "text": words},
        "unit": {"kind": "number", "value": 1, "unit": words},
        "label": {"kind": "rows", "rows": [{"label": words, "value": 1}]},
        "check": {"kind": "checks", "checks": [{"name": words, "ok": True}]},
    }
    with pytest.raises(InvalidResult, match=r"control characters|unicode"):
        parse_result(json.dumps(claims[place]))


@pytest.mark.parametrize("words", ["Umsatz\n\tMärz", "利益 10 %", "الأرباح", "👩‍💻 soft\u00adhyphen", "a\u200bb"])
def test_result_keeps_its_words_when_they_are_of_any_language(words: str) -> None:
    assert parse_result(json.dumps({"kind": "text", "text": words})).text == words


def test_result_is_refused_when_its_words_are_too_many() -> None:
    with pytest.raises(InvalidResult, match="4000"):
        parse_result(json.dumps({"kind": "text", "text": "x" * 4001}))
