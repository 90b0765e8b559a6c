"""Cuts a line as read into words, and into runs where the gap is wider than a space."""

from __future__ import annotations

import re
import unicodedata

from adapters.vision.layout.words import Run, Word, part
from adapters.vision.reading.geometry import Level
from adapters.vision.reading.models import Reading
from schemas.documents import Box

# In heights of the line (which is about 1.4 times the font's size).
_RUN_GAP = 0.95
_WORD_GAP = 0.75
_ZERO_FOR_O = re.compile(r"^0(?=[a-zà-ÿ]{3})")


def runs_of(reading: Reading, level: Level, source: Box) -> list[Run]:
    """The runs of one line. Places of characters come from the recogniser: good to about a sixth of the height."""
    x0, y0, x1, y1 = level
    height = max(y1 - y0, 1.0)
    words = _words(reading, x0, x1 - x0, height)
    if not words:
        return []
    # The detector's box is padded; the words' own places are not.
    whole = Run(words=tuple(words), x0=words[0].x0, y0=y0, x1=words[-1].x1, y1=y1, box=source)
    pieces: list[list[Word]] = [[words[0]]]
    for word in words[1:]:
        if word.x0 - pieces[-1][-1].x1 > _RUN_GAP * height:
            pieces.append([])
        pieces[-1].append(word)
    return [whole] if len(pieces) == 1 else [part(whole, piece) for piece in pieces]


def _words(reading: Reading, left: float, width: float, height: float) -> list[Word]:
    words: list[Word] = []
    letters: list[tuple[str, float, float]] = []
    half = _half_advance(reading, width, height)

    def close() -> None:
        if letters:
            text = unicodedata.normalize("NFKC", "".join(letter for letter, _, _ in letters)).strip()
            if "ğ" in text and not any(c in reading.text for c in "şıİŞçö"):
                # Outside of Turkish words this is a g over a rule or a descender.
                text = text.replace("ğ", "g")
            certain = [certainty for _, _, certainty in letters]
            text = _ZERO_FOR_O.sub("O", text)
            if len(reading.text) == 1:
                # A letter on its own has no accent: what looks like one is a line above it.
                text = unicodedata.normalize("NFD", text)[:1]
            if text:
                x0 = max(left, left + letters[0][1] - half)
                x1 = min(left + width, left + letters[-1][1] + half)
                words.append(
                    Word(text.replace(" ", ""), x0, max(x1, x0 + 1), sum(certain) / len(certain), min(certain))
                )
            letters.clear()

    for letter, place, certainty in zip(reading.text, reading.places, reading.certainties, strict=True):
        x = place * width
        if letter.isspace():
            close()
            continue
        if letters and x - letters[-1][1] > _WORD_GAP * height + half:
            close()
        letters.append((letter, x, certainty))
    close()
    return words


def _half_advance(reading: Reading, width: float, height: float) -> float:
    steps = [
        (after - before) * width
        for before, after, letter, following in zip(
            reading.places, reading.places[1:], reading.text, reading.text[1:], strict=False
        )
        if not letter.isspace() and not following.isspace()
    ]
    if not steps:
        return 0.25 * height
    steps.sort()
    return min(0.5 * height, steps[len(steps) // 2] / 2)
