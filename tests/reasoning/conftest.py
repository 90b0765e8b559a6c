"""One planner for all tests: the model loads once."""

from __future__ import annotations

import pytest

from adapters.minilm import MiniLmEmbedder
from adapters.planning.embedding import EmbeddingPlanner


@pytest.fixture(scope="session")
def planner() -> EmbeddingPlanner:
    return EmbeddingPlanner(MiniLmEmbedder())
