"""Why a task that nobody was to end has ended."""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.errors import Unavailable


def unforeseen(task: asyncio.Task[Any]) -> BaseException | None:
    """What a task raised; None when it returned, or was told to end.

    A cancellation that nobody asked for is a failure: aiokafka lets those of its own tasks out to who calls it.
    """
    if not task.cancelled():
        return task.exception()
    return None if task.cancelling() else Unavailable(f"{task.get_name()} was cancelled by nobody")
