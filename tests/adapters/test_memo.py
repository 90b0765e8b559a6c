"""The contract of the memo, held by every implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal

import asyncpg
import pytest

from adapters.memo import MemoryMemo, PostgresMemo, Price, Remembered
from adapters.metering import Meter, set_meter
from adapters.ports import Memo, ModelAnswer
from schemas.errors import RetryLater, Unavailable

PRICES = {"priced": Price(input=Decimal(3), output=Decimal(15))}
ANSWER = ModelAnswer(body='{"a": "\x00 \udc80 é"}', input_tokens=1000, output_tokens=2000, seconds=0.5)
Make = Callable[[], Memo]


@pytest.fixture(params=["memory", "postgres"])
async def make(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Make]:
    """A function that gives memos over one store, as several processes have."""
    if request.param == "memory":
        memo = MemoryMemo(PRICES)
        yield lambda: memo
        return
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield lambda: PostgresMemo(pool, PRICES)


@pytest.fixture(autouse=True)
def no_delivery() -> Iterator[None]:
    yield
    set_meter(None)


def delivered(delivery: str = "t/0/1", tenant: str = "local") -> Meter:
    meter = Meter(tenant=tenant, stage="s", cause="c", delivery=delivery)
    set_meter(meter)
    return meter


class Model:
    """Answers, and counts how often it was asked."""

    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self.errors = list(errors)
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> ModelAnswer:
        self.calls += 1
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER


async def ask(memo: Memo, model: Model, *, name: str = "priced", prompt: bytes = b"p", **parameters: object) -> str:
    return (await memo.call(model=name, parameters=parameters, prompt=prompt, perform=model)).body


async def test_model_is_asked_once_when_the_same_call_is_made_again(make: Make) -> None:
    model = Model()
    first = await ask(make(), model, seed=1, temperature=0)
    again = await ask(make(), model, temperature=0, seed=1)
    assert first == again == ANSWER.body
    assert model.calls == 1


async def test_model_is_asked_again_when_anything_about_the_call_differs(make: Make) -> None:
    memo, model = make(), Model()
    await ask(memo, model, seed=1)
    await ask(memo, model, seed=2)
    await ask(memo, model, seed=1, prompt=b"q")
    await ask(memo, model, seed=1, name="other")
    delivered(tenant="somebody else")
    await ask(memo, model, seed=1)
    assert model.calls == 5


async def test_model_is_asked_once_when_two_ask_at_the_same_time(make: Make) -> None:
    memo, model = make(), Model()
    model.open.clear()
    asking = [asyncio.create_task(ask(memo, model)) for _ in range(5)]
    while not model.calls:
        await asyncio.sleep(0)
    model.open.set()
    assert await asyncio.gather(*asking) == [ANSWER.body] * 5
    assert model.calls == 1


async def test_another_takes_over_when_the_one_who_asked_is_cancelled(make: Make) -> None:
    memo, model = make(), Model()
    model.open.clear()
    asking = [asyncio.create_task(ask(memo, model)) for _ in range(2)]
    while not model.calls:
        await asyncio.sleep(0)
    asking[0].cancel()
    model.open.set()
    assert await asking[1] == ANSWER.body


async def test_failure_is_not_remembered_when_the_model_fails(make: Make) -> None:
    memo, model = make(), Model(RetryLater("busy"))
    with pytest.raises(RetryLater):
        await ask(memo, model)
    assert await ask(memo, model) == ANSWER.body
    assert model.calls == 2


async def test_money_is_counted_once_when_deliveries_share_an_answer(make: Make) -> None:
    memo, model = make(), Model()
    meter = delivered("t/0/1")
    await ask(memo, model)
    await ask(memo, model)  # a second attempt within the delivery
    other = delivered("t/0/2")
    await ask(memo, model)
    assert [(use.memoized, use.money) for use in meter.models] == [(False, Decimal("0.033")), (True, Decimal(0))]
    assert [(use.memoized, use.money) for use in other.models] == [(True, Decimal(0))]


async def test_delivery_pays_the_same_when_it_is_done_over_after_a_crash(make: Make) -> None:
    model = Model()
    first = delivered("t/0/1")
    await ask(make(), model)
    over = delivered("t/0/1")
    await ask(make(), model)
    assert over.models == first.models
    assert not over.models[0].memoized


async def test_money_is_unknown_when_the_model_has_no_price(make: Make) -> None:
    meter = delivered()
    await ask(make(), Model(), name="unpriced")
    assert meter.models[0].money is None


class GoneStore(MemoryMemo):
    """A store that goes away between the model's answer and its writing."""

    gone = True
    slow = False

    async def _keep(self, key: tuple[str, bytes], model: str, remembered: Remembered) -> Remembered:
        if self.slow:
            await asyncio.sleep(0.01)
        if self.gone:
            raise Unavailable("gone")
        return await super()._keep(key, model, remembered)


async def test_answer_is_kept_when_the_store_goes_before_it_is_written() -> None:
    memo, model = GoneStore(), Model()
    with pytest.raises(Unavailable):
        await ask(memo, model)
    memo.gone = False
    assert await ask(memo, model) == ANSWER.body
    assert model.calls == 1


async def test_answer_is_written_when_the_delivery_is_cancelled_while_writing() -> None:
    memo, model = GoneStore(), Model()
    memo.gone, memo.slow = False, True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await ask(memo, model)
    assert await ask(memo, model) == ANSWER.body
    assert model.calls == 1


async def test_model_is_not_asked_when_the_database_is_gone(database_url: str) -> None:
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=1)
    await pool.close()
    model = Model()
    with pytest.raises(Unavailable):
        await ask(PostgresMemo(pool), model)
    assert model.calls == 0
