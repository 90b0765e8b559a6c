from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.critic.critic import RuffBanditCritic


@pytest.fixture(scope="session")
async def reviewer() -> AsyncIterator[RuffBanditCritic]:
    """The critic as it is shipped, its inspector warm after the first review."""
    critic = RuffBanditCritic()
    yield critic
    await critic.close()
