"""Words and runs of text with their places: what reading hands to layout analysis.

Layout coordinates are pixels of the page once upright and deskewed, origin top left; `box` is the place in the
picture as given, for people to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.documents import Box


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a space. `confidence` is the reader's mean over the characters, `weakest` its least."""

    text: str
    x0: float
    x1: float
    confidence: float
    weakest: float


@dataclass(frozen=True, slots=True)
class Run:
    """Words that stand close together on one line. `height` is the line's, a little more than the font's size."""

    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float
    box: Box

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        letters = sum(len(word.text) for word in self.words)
        return sum(word.confidence * len(word.text) for word in self.words) / max(letters, 1)

    @property
    def weakest(self) -> float:
        return min(word.weakest for word in self.words)

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def cx(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def cy(self) -> float:
        return (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True)
class Page:
    """Everything read on a picture of `width` × `height` pixels (as given, not as turned)."""

    width: int
    height: int
    runs: tuple[Run, ...]


def part(run: Run, words: Sequence[Word]) -> Run:
    """The piece of a run that holds the given consecutive words of it; its box is cut in proportion."""
    x0, x1 = words[0].x0, words[-1].x1
    box, width = run.box, max(run.width, 1.0)
    if box.width >= box.height:
        left = box.x + round((x0 - run.x0) / width * box.width)
        cut = Box(x=left, y=box.y, width=max(1, round((x1 - x0) / width * box.width)), height=box.height)
    else:
        cut = box
    return Run(words=tuple(words), x0=x0, y0=run.y0, x1=x1, y1=run.y1, box=cut)


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box around some boxes."""
    x, y = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.x + b.width for b in boxes), max(b.y + b.height for b in boxes)
    return Box(x=x, y=y, width=right - x, height=bottom - y)
