"""What a reader finds is kept as text only, so that results over it are results."""

from __future__ import annotations

import pytest

from schemas.documents import Cell


@pytest.mark.parametrize("strange", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800"])
def test_text_of_a_picture_holds_text_only_when_characters_in_it_are_none(strange: str) -> None:
    assert Cell(text=f"Pen{strange}cil\nred\tÄ 中").text == "Pencil\nred\tÄ 中"
