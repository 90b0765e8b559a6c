"""BERT's uncased WordPiece tokenizer: text to the ids MiniLM was trained on.

The vocabulary is that of bert-base-uncased (Google, Apache-2.0), as all-MiniLM-L6-v2 uses it, one token a line.
"""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

from schemas.errors import SetupError

VOCABULARY = Path(__file__).with_name("minilm_vocabulary.txt")
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
MAX_TOKENS = 128
_LONGEST_WORD = 100


class WordPiece:
    """Encodes text as `[CLS] pieces [SEP]`, at most MAX_TOKENS ids. Raises SetupError for another vocabulary."""

    def __init__(self, vocabulary: Path = VOCABULARY) -> None:
        data = vocabulary.read_bytes()
        if hashlib.sha256(data).hexdigest() != VOCABULARY_SHA256:
            raise SetupError(f"{vocabulary.name} is not the vocabulary that the embedding model was trained with")
        self._ids = {token: index for index, token in enumerate(data.decode("utf-8").splitlines())}

    def encode(self, text: str) -> list[int]:
        ids = [self._ids["[CLS]"]]
        for word in _words(text[: MAX_TOKENS * _LONGEST_WORD]):
            ids += self._pieces(word)
            if len(ids) >= MAX_TOKENS:
                break
        return [*ids[: MAX_TOKENS - 1], self._ids["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """Longest known prefix first, then longest known continuations; unknown as a whole when one is missing."""
        unknown = [self._ids["[UNK]"]]
        if len(word) > _LONGEST_WORD:
            return unknown
        pieces: list[int] = []
        start = 0
        while start < len(word):
            end = len(word)
            while end > start and (found := self._ids.get(("##" if start else "") + word[start:end])) is None:
                end -= 1
            if end == start or found is None:
                return unknown
            pieces.append(found)
            start = end
        return pieces


def _words(text: str) -> list[str]:
    """Words and punctuation marks: control characters dropped, accents stripped, CJK characters each on their own."""
    spaced: list[str] = []
    for char in text:
        if char in "\t\n\r" or unicodedata.category(char) == "Zs":
            spaced.append(" ")
        elif char in "\x00\ufffd" or unicodedata.category(char).startswith("C"):
            continue
        elif _is_cjk(ord(char)):
            spaced.append(f" {char} ")
        else:
            spaced.append(char)
    lowered = unicodedata.normalize("NFD", "".join(spaced).lower())
    bare = (char for char in lowered if unicodedata.category(char) != "Mn")
    return "".join(f" {char} " if _is_punctuation(char) else char for char in bare).split()


def _is_punctuation(char: str) -> bool:
    return (char.isascii() and not char.isalnum() and not char.isspace()) or unicodedata.category(char).startswith("P")


def _is_cjk(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )
