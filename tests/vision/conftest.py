"""The real reader and decoder, one of each for the whole run, and pages made of words without any picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from adapters.vision.intake import PillowPictureReader
from adapters.vision.layout.describe import Drawing, describe
from adapters.vision.layout.words import Page, Run, Word
from adapters.vision.rapidocr import RapidOcrVision
from schemas.documents import Box, DocumentDescription, Table

LETTER, LINE, HEIGHT = 9.0, 30.0, 20.0


@pytest.fixture(scope="session")
async def rapidocr() -> AsyncIterator[RapidOcrVision]:
    model = RapidOcrVision(2)
    yield model
    await model.close()


@pytest.fixture(scope="session")
async def pillow() -> AsyncIterator[PillowPictureReader]:
    reader = PillowPictureReader()
    yield reader
    await reader.close()


def run_of(text: str, x: float, y: float, *, confidence: float = 0.99, height: float = HEIGHT) -> Run:
    """A run at (x, y): words of nine pixels a letter, scaled with the height."""
    letter = LETTER * height / HEIGHT
    words: list[Word] = []
    at = x
    for word in text.split():
        words.append(Word(word, at, at + letter * len(word), confidence, confidence))
        at += letter * (len(word) + 1)
    x1 = words[-1].x1
    box = Box(x=round(x), y=round(y), width=round(x1 - x), height=round(height))
    return Run(tuple(words), x, y, x1, y + height, box)


def page_of(*rows: Sequence[tuple[float, str]] | None, width: int = 1000) -> Page:
    """Rows of (x, text), thirty pixels apart; a negative x is the right edge instead; None leaves a gap."""
    runs: list[Run] = []
    for index, row in enumerate(rows):
        for x, text in row or ():
            left = x if x >= 0 else -x - LETTER * len(text)
            runs.append(run_of(text, left, index * LINE))
    return Page(width=width, height=int(LINE * (len(rows) + 2)), runs=tuple(runs))


HEAD = [(20, "Description"), (-500, "Qty"), (-680, "Unit Price"), (-860, "Amount")]


def read(page: Page) -> DocumentDescription:
    return describe(page, Drawing())


def item(name: str, quantity: str, price: str, amount: str) -> list[tuple[float, str]]:
    return [(20, name), (-500, quantity), (-680, price), (-860, amount)]


def values(table: Table, column: int) -> list[Decimal | None]:
    return [row[column].value for row in table.rows]
