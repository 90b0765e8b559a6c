"""A hard limit on how long a stage's coroutine may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TookTooLong(TimeoutError):
    """The limit was reached; a TimeoutError from within the work is not this one."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises TookTooLong once it has waited for `seconds`, and whatever `work` raises.

    Work that never waits gets no timer: arming one costs more than a small stage takes, and could not interrupt it.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    try:
        async with asyncio.timeout(seconds) as limit:
            return await _Begun(work, waits_for)
    except TimeoutError as error:
        if limit.expired():
            raise TookTooLong(f"took longer than {seconds:g} s") from error
        raise


class _Begun(Generic[T]):
    """Awaits a coroutine that was started by hand and waits for its first future."""

    __slots__ = ("_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        work, waits_for = self._work, self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    work.close()
                    raise
                except BaseException as error:
                    waits_for = work.throw(error)
                else:
                    waits_for = work.send(sent)
        except StopIteration as done:
            result: T = done.value
            return result
