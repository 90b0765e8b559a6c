"""Group commit by itself: what goes together, what fails alone, what happens when callers give up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from schemas.errors import InvalidEvent, Unavailable, VaultraError
from streams.group_commit import GroupCommit


class Store:
    """Commits strings to a list, held until `gate` is set. `bad` units fail the group they are in."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.groups: list[list[str]] = []
        self.gone = False

    async def commit(self, works: Sequence[str]) -> Sequence[str | VaultraError]:
        await self.gate.wait()
        if self.gone:
            raise Unavailable("gone")
        if any(work == "bad" for work in works):
            raise InvalidEvent("bad")
        self.groups.append(list(works))
        return [InvalidEvent(work) if work == "odd" else work.upper() for work in works]


@pytest.fixture
def store() -> Store:
    return Store()


def grouping(store: Store, *, queue_bytes: int = 1000, patience: float = 30.0) -> GroupCommit[str, str]:
    return GroupCommit(store.commit, most_units=4, most_bytes=100, queue_bytes=queue_bytes, patience=patience)


async def start(group: GroupCommit[str, str], *works: str, size: int = 1) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(group.submit(work, size)) for work in works]
    await asyncio.sleep(0)
    return tasks


async def test_units_go_together_when_a_commit_is_under_way(store: Store) -> None:
    group = grouping(store)
    tasks = await start(group, "a")
    await asyncio.sleep(0)
    tasks += await start(group, "b", "c", "d", "e", "f")
    store.gate.set()
    assert await asyncio.gather(*tasks) == list("ABCDEF")
    assert store.groups == [["a"], ["b", "c", "d", "e"], ["f"]]


async def test_groups_keep_to_their_bytes_when_units_are_great(store: Store) -> None:
    group = grouping(store)
    tasks = [asyncio.create_task(group.submit(work, 60)) for work in ("a", "b", "c")]
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.groups == [["a"], ["b"], ["c"]]


async def test_a_unit_fails_alone_when_the_store_refuses_its_group(store: Store) -> None:
    store.gate.set()
    outcomes = await asyncio.gather(*await start(grouping(store), "a", "bad", "odd", "b"), return_exceptions=True)
    assert [outcome if isinstance(outcome, str) else type(outcome) for outcome in outcomes] == [
        "A",
        InvalidEvent,
        InvalidEvent,
        "B",
    ]


async def test_a_whole_group_fails_and_the_next_succeeds_when_the_store_was_gone(store: Store) -> None:
    group = grouping(store)
    store.gone = True
    store.gate.set()
    outcomes = await asyncio.gather(*await start(group, "a", "b"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert outcomes[0] is not outcomes[1]
    store.gone = False
    assert await group.submit("c", 1) == "C"


async def test_what_nobody_waits_for_is_not_committed_when_it_had_not_begun(store: Store) -> None:
    group = grouping(store)
    tasks = await start(group, "a")
    await asyncio.sleep(0)
    tasks += await start(group, "b", "c")
    tasks[1].cancel()
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) != ["A", "B", "C"]
    assert store.groups == [["a"], ["c"]]


async def test_callers_wait_in_order_when_the_queue_is_full_and_one_gives_up(store: Store) -> None:
    group = grouping(store, queue_bytes=2)
    tasks = await start(group, *"abcdefgh", size=2)
    tasks[3].cancel()
    store.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == list("ABCEFGH")
    assert [work for works in store.groups for work in works] == list("abcefgh")


async def test_callers_are_told_when_the_queue_stays_full(store: Store) -> None:
    group = grouping(store, queue_bytes=2, patience=0.05)
    tasks = await start(group, "a", size=2)
    await asyncio.sleep(0)
    tasks += await start(group, "b", size=2)
    with pytest.raises(Unavailable, match="wait to be appended"):
        await group.submit("c", 2)
    store.gate.set()
    assert await asyncio.gather(*tasks) == ["A", "B"]


async def test_close_commits_what_is_queued_and_accepts_nothing_more(store: Store) -> None:
    group = grouping(store)
    tasks = await start(group, "a", "b")
    store.gate.set()
    await group.close()
    assert await asyncio.gather(*tasks) == ["A", "B"]
    with pytest.raises(Unavailable, match="closed"):
        await group.submit("c", 1)
