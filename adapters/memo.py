"""The memo of model calls: in PostgreSQL for the program, in memory for tests.

Who pays is decided once: the delivery that made a call. Done over after a crash, that delivery finds its own answer
and counts it as paid again – its cost event has the same id, so the money stands on the log exactly once. Every
other delivery that finds the answer counts it as memoized.

One window stays open: a process killed after a model answered and before the answer is written, about a millisecond,
asks again. Only the model's server could close it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from adapters.database import reaching
from adapters.metering import Meter, current_meter
from adapters.ports import Memo, ModelAnswer
from schemas.costs import ModelUse

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens."""

    input: Decimal
    output: Decimal
    currency: str = "USD"

    def of(self, answer: ModelAnswer) -> Decimal:
        return (self.input * answer.input_tokens + self.output * answer.output_tokens) / _MILLION


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer and the delivery that paid for it (empty outside of deliveries)."""

    answer: ModelAnswer
    delivery: str


Key = tuple[str, bytes]


def call_hash(model: str, parameters: Mapping[str, Any], prompt: bytes) -> bytes:
    """SHA-256 of a call. Parameters must be JSON-able; their order does not matter."""
    head = json.dumps([model, parameters], sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return hashlib.sha256(len(head).to_bytes(8, "big") + head + prompt).digest()


class _SingleFlightMemo(Memo):
    """What every memo does around its store: one call a key at a time, and the bill."""

    def __init__(self, prices: Mapping[str, Price] | None = None) -> None:
        self._prices = dict(prices or {})
        self._locks: dict[Key, tuple[asyncio.Lock, int]] = {}
        # Answers that are paid for but not written yet, because the store was gone. Never asked for again.
        self._unwritten: dict[Key, tuple[str, Remembered]] = {}

    async def call(
        self,
        *,
        model: str,
        parameters: Mapping[str, Any],
        prompt: bytes,
        perform: Callable[[], Awaitable[ModelAnswer]],
    ) -> ModelAnswer:
        """As the port says. Raises Unavailable when the store is gone (the model is then not called, or its answer
        is kept until the next try), and whatever `perform` raises, which is not remembered."""
        meter = current_meter()
        key = (meter.tenant, call_hash(model, parameters, prompt))
        async with self._alone(key):
            if key in self._unwritten:
                found = await self._write(key)
            else:
                found = await self._find(key) or await self._perform(key, model, meter.delivery, perform)
        self._bill(meter, key, model, found)
        return found.answer

    async def _perform(
        self, key: Key, model: str, delivery: str, perform: Callable[[], Awaitable[ModelAnswer]]
    ) -> Remembered:
        self._unwritten[key] = (model, Remembered(await perform(), delivery))
        # A time-out that strikes now must not lose an answer that is paid for.
        return await asyncio.shield(asyncio.ensure_future(self._write(key)))

    async def _write(self, key: Key) -> Remembered:
        model, remembered = self._unwritten[key]
        kept = await self._keep(key, model, remembered)
        self._unwritten.pop(key, None)
        return kept

    def _bill(self, meter: Meter, key: Key, model: str, found: Remembered) -> None:
        paid = found.delivery == meter.delivery and key[1] not in meter.billed
        meter.billed.add(key[1])
        price = self._prices.get(model)
        money = None if price is None else price.of(found.answer) if paid else Decimal(0)
        meter.models.append(
            ModelUse(
                model=model,
                input_tokens=found.answer.input_tokens,
                output_tokens=found.answer.output_tokens,
                seconds=found.answer.seconds if paid else 0.0,
                memoized=not paid,
                money=money,
                currency=price.currency if price else "USD",
            )
        )

    @asynccontextmanager
    async def _alone(self, key: Key) -> AsyncIterator[None]:
        """One caller a key; the lock goes when nobody wants it."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            users = self._locks[key][1] - 1
            if users:
                self._locks[key] = (lock, users)
            else:
                del self._locks[key]

    @abstractmethod
    async def _find(self, key: Key) -> Remembered | None: ...

    @abstractmethod
    async def _keep(self, key: Key, model: str, remembered: Remembered) -> Remembered:
        """Store durably and give what stands: another process may have been first."""


class MemoryMemo(_SingleFlightMemo):
    """Remembers as long as it lives."""

    def __init__(self, prices: Mapping[str, Price] | None = None) -> None:
        super().__init__(prices)
        self._answers: dict[Key, Remembered] = {}

    async def _find(self, key: Key) -> Remembered | None:
        return self._answers.get(key)

    async def _keep(self, key: Key, model: str, remembered: Remembered) -> Remembered:
        return self._answers.setdefault(key, remembered)


class PostgresMemo(_SingleFlightMemo):
    """Remembers in `vaultra.model_memo`."""

    def __init__(self, pool: asyncpg.Pool, prices: Mapping[str, Price] | None = None) -> None:
        super().__init__(prices)
        self._pool = pool

    async def _find(self, key: Key) -> Remembered | None:
        with reaching("the memo"):
            row = await self._pool.fetchrow(
                "SELECT body, input_tokens, output_tokens, seconds, delivery FROM vaultra.model_memo"
                " WHERE tenant = $1 AND key = $2",
                *key,
            )
        return None if row is None else _remembered(row)

    async def _keep(self, key: Key, model: str, remembered: Remembered) -> Remembered:
        answer = remembered.answer
        with reaching("the memo"):
            written = await self._pool.fetchval(
                "INSERT INTO vaultra.model_memo"
                " (tenant, key, model, body, input_tokens, output_tokens, seconds, delivery)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true",
                *key,
                model,
                answer.body.encode("utf-8", "surrogatepass"),
                answer.input_tokens,
                answer.output_tokens,
                answer.seconds,
                remembered.delivery,
            )
        return remembered if written else await self._find(key) or remembered


def _remembered(row: asyncpg.Record) -> Remembered:
    answer = ModelAnswer(
        body=bytes(row["body"]).decode("utf-8", "surrogatepass"),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        seconds=row["seconds"],
    )
    return Remembered(answer, row["delivery"])
