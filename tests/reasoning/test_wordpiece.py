"""The tokenizer against ids that the reference implementation gives, and the embedder's promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.minilm import DIMENSIONS, MiniLmEmbedder
from adapters.wordpiece import MAX_TOKENS, WordPiece
from schemas.errors import SetupError

REFERENCE = {
    "What is the total?": [101, 2054, 2003, 1996, 2561, 1029, 102],
    "Wie hoch ist die Mehrwertsteuer?": [
        101,
        15536,
        2063,
        21929,
        2232,
        21541,
        3280,
        2033,
        8093,
        13777,
        3215,
        2618,
        13094,
        1029,
        102,
    ],
    "\xe9t\xe9 na\xefve \xc5ngstr\xf6m": [101, 3802, 2063, 15743, 17076, 15687, 102],
    "\u6211\u662f\u4e2d\u56fd\u4eba total": [101, 1855, 100, 1746, 1799, 1756, 2561, 102],
    "a\u200bb\u202ec": [101, 5925, 102],
    "\u20ac100.50 + 20%": [101, 1574, 18613, 1012, 2753, 1009, 2322, 1003, 102],
    "don't\u2014stop": [101, 2123, 1005, 1056, 1517, 2644, 102],
    "\ufb01ne \xbd \u2167": [101, 1984, 2638, 1092, 100, 102],
    "": [101, 102],
}


@pytest.mark.parametrize("text", list(REFERENCE))
def test_tokens_equal_the_reference_when_text_is_any(text: str) -> None:
    assert WordPiece().encode(text) == REFERENCE[text]


def test_tokens_are_bounded_when_text_is_long() -> None:
    assert len(WordPiece().encode("word " * 5000)) == MAX_TOKENS


def test_tokenizer_refuses_when_the_vocabulary_is_another(tmp_path: Path) -> None:
    other = tmp_path / "vocabulary.txt"
    other.write_text("[PAD]\n", encoding="utf-8")
    with pytest.raises(SetupError, match="not the vocabulary"):
        WordPiece(other)


async def test_embeddings_are_unit_vectors_that_do_not_depend_on_company() -> None:
    embedder = MiniLmEmbedder()
    alone = (await embedder.embed(["What is the total?"]))[0]
    together = (await embedder.embed(["a much longer sentence about something else", "What is the total?"]))[1]
    assert alone == together
    assert len(alone) == DIMENSIONS
    assert abs(sum(x * x for x in alone) - 1) < 1e-5
    near, far = await embedder.embed(["How much is it altogether?", "Will it rain tomorrow?"])
    assert sum(x * y for x, y in zip(alone, near, strict=True)) > sum(x * y for x, y in zip(alone, far, strict=True))


async def test_embedder_refuses_when_the_model_is_another(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"not a model")
    with pytest.raises(SetupError, match="not the pinned embedding model"):
        await MiniLmEmbedder(model=other).embed(["x"])
