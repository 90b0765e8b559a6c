"""What every event log promises. A log's own tests inherit `EventLogContract` and say how to open it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from schemas.errors import InvalidEvent, SetupError, Unavailable
from schemas.wire import Message
from streams.log import Advance, EventLog, TopicPartition
from streams.partitioner import partition_of
from tests.contracts.log_kit import (
    WORDS_0,
    OpenLog,
    by_partition,
    ids,
    message,
    move_on,
    read_all,
)


class EventLogContract:
    """Subclass it and give the fixture `open_log`."""

    @pytest.fixture
    async def open_log(self) -> OpenLog:
        raise NotImplementedError("how is this log opened with TOPICS?")

    # Appending

    async def test_append_returns_gapless_offsets_from_0_when_messages_come_in_order(self, open_log: OpenLog) -> None:
        log = await open_log()
        first = await log.append([message("a"), message("b")])
        second = await log.append([message("c")])
        assert [(o.topic, o.partition, o.offset, o.duplicate) for o in (*first, *second)] == [
            ("words", 0, 0, False),
            ("words", 0, 1, False),
            ("words", 0, 2, False),
        ]

    async def test_append_does_nothing_when_there_is_nothing(self, open_log: OpenLog) -> None:
        log = await open_log()
        assert list(await log.append([])) == []
        assert set((await log.latest(["words", "numbers"])).values()) == {0}

    async def test_append_places_by_the_key_alone_when_topics_have_partitions(self, open_log: OpenLog) -> None:
        log = await open_log()
        keys = ["a", "job-17", "ключ", "鍵 🔑", "x" * 300] * 2
        outcomes = await log.append([message(str(n), topic="numbers", key=key) for n, key in enumerate(keys)])
        assert [o.partition for o in outcomes] == [partition_of(key, 4) for key in keys]

    async def test_append_keeps_everything_when_texts_and_bytes_are_unusual(self, open_log: OpenLog) -> None:
        log = await open_log()
        reason = "è\t\\u0000\0"
        values = [b"", b"\x00\xff\xfe not text", b"x" * 1_000_000, '{"name":"Zoë 🙂"}'.encode()]
        for n, value in enumerate(values):
            await log.append(
                [message(f"ключ-{n} 🔑\n\"'", key=f"鍵{n}", tenant="Zoë", value=value, reason="è\t\\u0000\0")]
            )
        fresh = await open_log()
        for reader in (log, fresh):
            records = await read_all(reader, "words")
            assert [record.value for record in records] == values
            assert [record.key for record in records] == [f"鍵{n}" for n in range(4)]
            assert ids(records) == [f"ключ-{n} 🔑\n\"'" for n in range(4)]
            assert records[0].attributes["tenantid"] == "Zoë"
            assert records[0].extra == {"reason": reason}

    @pytest.mark.parametrize(
        "bad",
        [
            message("nul\0id"),
            message("n", key="nul\0key"),
            message("n", tenant="nul\0tenant"),
            message("surrogate\ud800"),
            message("s", key="\udc00"),
            message("s", reason="\ud800"),
            message("too-big", value=bytes(9 * 1024**2)),
        ],
        ids=lambda bad: ascii(bad.id + bad.key)[:20],
    )
    async def test_append_writes_nothing_of_a_call_when_one_message_cannot_stand(
        self, open_log: OpenLog, bad: Message
    ) -> None:
        log = await open_log()
        outcomes = await asyncio.gather(
            log.append([message("before"), bad, message("after")], advance=Advance("g", {WORDS_0: 7})),
            log.append([message("of another call")]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], InvalidEvent)
        assert ids(await read_all(log, "words")) == ["of another call"]
        assert (await log.positions("g", ["words"]))[WORDS_0] == 0

    @pytest.mark.parametrize("bad", [message("x", key=""), message(""), message("x", tenant="")])
    async def test_append_refuses_when_key_id_or_tenant_is_empty(self, open_log: OpenLog, bad: Message) -> None:
        log = await open_log()
        with pytest.raises(SetupError):
            await log.append([bad])

    # Once, however often appended

    async def test_append_returns_the_first_position_when_the_id_stands_already(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message("a"), message("b")])
        again = await log.append([message("c"), message("a", value=b"other"), message("b", key="another key")])
        assert [(o.offset, o.duplicate) for o in again] == [(2, False), (0, True), (1, True)]
        records = await read_all(log, "words")
        assert ids(records) == ["a", "b", "c"]
        assert records[0].value == b"{}"

    async def test_append_returns_the_first_position_when_an_id_comes_under_another_key(
        self, open_log: OpenLog
    ) -> None:
        log = await open_log()
        [first] = await log.append([message("a", topic="numbers", key="one")])
        other = next(key for key in "bcdefgh" if partition_of(key, 4) != first.partition)
        [again] = await log.append([message("a", topic="numbers", key=other)])
        assert (again.partition, again.offset, again.duplicate) == (first.partition, first.offset, True)
        assert len(await read_all(log, "numbers")) == 1

    async def test_append_writes_once_when_an_id_is_twice_in_one_call(self, open_log: OpenLog) -> None:
        log = await open_log()
        outcomes = await log.append([message("a"), message("b"), message("a")])
        assert [(o.offset, o.duplicate) for o in outcomes] == [(0, False), (1, False), (0, True)]
        assert ids(await read_all(log, "words")) == ["a", "b"]

    async def test_append_writes_each_when_the_id_is_of_another_tenant_or_topic(self, open_log: OpenLog) -> None:
        log = await open_log()
        outcomes = await log.append([message("a"), message("a", tenant="other"), message("a", topic="numbers")])
        assert [o.duplicate for o in outcomes] == [False] * 3
        assert len(await read_all(log, "words", "numbers")) == 3

    async def test_append_writes_once_when_several_instances_append_the_same_at_once(self, open_log: OpenLog) -> None:
        logs = [await open_log() for _ in range(3)]
        batches = [[message(f"{n}", topic="numbers", key=f"key {n % 7}") for n in range(i, i + 10)] for i in range(40)]
        outcomes = await asyncio.gather(*(log.append(batch) for batch in batches for log in logs))
        written = [o for outcome in outcomes for o in outcome if not o.duplicate]
        assert len(written) == 49
        records = await read_all(logs[0], "numbers")
        assert sorted(ids(records), key=int) == [str(n) for n in range(49)]
        placed = {record.attributes["id"]: (record.partition, record.offset) for record in records}
        for batch, outcome in zip([batch for batch in batches for _ in logs], outcomes, strict=True):
            assert [(o.partition, o.offset) for o in outcome] == [placed[one.id] for one in batch]

    async def test_append_writes_once_when_instances_race_with_one_id_under_different_keys(
        self, open_log: OpenLog
    ) -> None:
        logs = [await open_log() for _ in range(3)]
        outcomes = await asyncio.gather(
            *(
                log.append([message(f"{n}", topic="numbers", key=f"{i} {n}") for n in numbers])
                for i, log in enumerate(logs)
                for numbers in (range(20), range(19, -1, -1))
            )
        )
        assert sum(not o.duplicate for outcome in outcomes for o in outcome) == 20
        assert sorted(ids(await read_all(logs[0], "numbers")), key=int) == [str(n) for n in range(20)]

    # Order

    async def test_offsets_are_gapless_and_keys_in_order_when_instances_append_at_once(self, open_log: OpenLog) -> None:
        logs = [await open_log() for _ in range(3)]

        async def write(log: EventLog, writer: str) -> None:
            for n in range(40):
                await log.append([message(f"{writer} {n} {i}", topic="numbers", key=f"{writer}{i}") for i in range(3)])

        await asyncio.gather(*(write(log, f"{n}{lane}") for n, log in enumerate(logs) for lane in "ab"))
        records = await read_all(await open_log(), "numbers")
        assert len(records) == 3 * 2 * 40 * 3
        for place, found in by_partition(records).items():
            assert [record.offset for record in found] == list(range(len(found))), place
            assert all(a.appended_at <= b.appended_at for a, b in pairwise(found)), place
        for key in {record.key for record in records}:
            numbers = [int(record.attributes["id"].split()[1]) for record in records if record.key == key]
            assert numbers == list(range(40))

    # Reading

    async def test_read_gives_at_most_the_limit_when_there_is_more(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message(str(n)) for n in range(10)])
        assert ids(await log.read({WORDS_0: 0}, limit=3)) == ["0", "1", "2"]
        assert ids(await log.read({WORDS_0: 7}, limit=100)) == ["7", "8", "9"]
        assert list(await log.read({WORDS_0: 10})) == []
        assert list(await log.read({})) == []

    async def test_read_reaches_every_partition_when_one_has_a_great_backlog(self, open_log: OpenLog) -> None:
        log = await open_log()
        keys = {partition_of(key, 4): key for key in map(str, range(100))}
        backlog = [message(f"b{n}", topic="numbers", key=keys[1]) for n in range(200)]
        await log.append([*backlog, *(message(f"n{p}", topic="numbers", key=keys[p]) for p in (0, 2, 3))])
        for reader in (log, await open_log()):
            positions = dict(await log.earliest(["numbers"]))
            seen: set[int] = set()
            for _ in range(8):
                records = await reader.read(positions, limit=10)
                assert len(records) <= 10
                seen |= {record.partition for record in records}
                move_on(positions, records)
            assert seen == {0, 1, 2, 3}

    async def test_read_is_the_same_when_repeated_and_from_another_instance(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message(str(n), topic="numbers", key=str(n), value=b"%d" % n) for n in range(50)])
        first = await read_all(log, "numbers")
        assert await read_all(log, "numbers") == first
        assert await read_all(await open_log(), "numbers") == first

    async def test_read_may_leave_values_out_when_they_are_not_needed(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message(str(n), value=b"%d" % n) for n in range(5)])
        for reader in (log, await open_log()):
            whole = await reader.read({WORDS_0: 0})
            bare = await reader.read({WORDS_0: 0}, values=False)
            assert len(whole) == 5
            assert [one._replace(value=None) for one in bare] == [one._replace(value=None) for one in whole]
            assert {one.value for one in bare} <= {None, *(one.value for one in whole)}

    async def test_read_returns_at_once_when_something_is_there(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message("a")])
        async with asyncio.timeout(5):
            assert ids(await log.read({WORDS_0: 0}, wait=60)) == ["a"]

    async def test_read_comes_back_empty_when_nothing_comes(self, open_log: OpenLog) -> None:
        log = await open_log()
        async with asyncio.timeout(5):
            assert list(await log.read({WORDS_0: 0}, wait=0.05)) == []

    @pytest.mark.parametrize("same", [True, False], ids=["same instance", "other instance"])
    async def test_read_wakes_all_who_wait_when_something_is_appended(self, open_log: OpenLog, same: bool) -> None:
        writer = await open_log()
        reader = writer if same else await open_log()
        everything = await reader.earliest(["words", "numbers"])
        async with asyncio.timeout(10):
            for n in range(3):
                here = {place: n if place == WORDS_0 else 0 for place in everything}
                waiting = [asyncio.create_task(reader.read(p, wait=60)) for p in ({WORDS_0: n}, here)]
                elsewhere = asyncio.create_task(reader.read({TopicPartition("numbers", 1): 0}, wait=60))
                await asyncio.sleep(0)
                await writer.append([message(str(n))])
                assert [ids(await task) for task in waiting] == [[str(n)]] * 2
                assert not elsewhere.done()
                elsewhere.cancel()

    async def test_read_follows_when_instances_take_turns_to_append(self, open_log: OpenLog) -> None:
        logs = [await open_log() for _ in range(2)]
        reader, positions, seen = logs[0], {WORDS_0: 0}, []
        async with asyncio.timeout(20):
            for n in range(30):
                await logs[n % 2].append([message(str(n))])
                if n % 3 == 0:
                    records = await reader.read(positions, wait=60)
                    move_on(positions, records)
                    seen += ids(records)
            while len(seen) < 30:
                records = await reader.read(positions, wait=60)
                move_on(positions, records)
                seen += ids(records)
        assert seen == [str(n) for n in range(30)]

    async def test_read_can_be_cancelled_when_it_waits(self, open_log: OpenLog) -> None:
        log = await open_log()
        waiting = asyncio.create_task(log.read({WORDS_0: 0}, wait=60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await log.append([message("a")])
        assert ids(await log.read({WORDS_0: 0})) == ["a"]

    # Positions

    async def test_positions_are_0_when_a_group_is_new(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message("a")])
        places = {TopicPartition("numbers", n): 0 for n in range(4)} | {WORDS_0: 0}
        assert await log.positions("g", ["numbers", "words"]) == places

    async def test_positions_are_each_group_s_own_when_they_advance(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message("a")], advance=Advance("g", {WORDS_0: 1, TopicPartition("numbers", 3): 9}))
        await log.append([], advance=Advance("h", {WORDS_0: 4}))
        fresh = await open_log()
        assert (await fresh.positions("g", ["words", "numbers"])) == {
            TopicPartition("numbers", 0): 0,
            TopicPartition("numbers", 1): 0,
            TopicPartition("numbers", 2): 0,
            TopicPartition("numbers", 3): 9,
            WORDS_0: 1,
        }
        assert await fresh.positions("h", ["words"]) == {WORDS_0: 4}

    async def test_positions_never_go_back_when_an_advance_is_late(self, open_log: OpenLog) -> None:
        logs = [await open_log() for _ in range(2)]
        steps = [5, 3, 9, 1, 7]
        await asyncio.gather(*(log.append([], advance=Advance("g", {WORDS_0: n})) for n in steps for log in logs))
        await logs[0].append([message("late")], advance=Advance("g", {WORDS_0: 2}))
        assert await logs[1].positions("g", ["words"]) == {WORDS_0: 9}

    async def test_positions_advance_when_the_outputs_stand_already(self, open_log: OpenLog) -> None:
        log = await open_log()
        await log.append([message("a")])
        await log.append([message("a")], advance=Advance("g", {WORDS_0: 1}))
        assert await log.positions("g", ["words"]) == {WORDS_0: 1}

    # Offsets

    async def test_latest_is_the_next_offset_when_any_instance_has_appended(self, open_log: OpenLog) -> None:
        log, other = await open_log(), await open_log()
        await other.append([message("a"), message("b")])
        assert await log.latest(["words"]) == {WORDS_0: 2}
        assert await log.earliest(["words"]) == {WORDS_0: 0}

    async def test_at_time_is_the_first_offset_not_older_when_records_have_times(self, open_log: OpenLog) -> None:
        log = await open_log()
        for n in range(20):
            await log.append([message(str(n))])
        records = await read_all(log, "words")
        for record in records:
            first = next(r.offset for r in records if r.appended_at >= record.appended_at)
            assert await log.at_time(["words"], record.appended_at) == {WORDS_0: first}
        tick = timedelta(microseconds=1)
        assert await log.at_time(["words"], records[0].appended_at - tick) == {WORDS_0: 0}
        assert await log.at_time(["words"], records[-1].appended_at + tick) == {WORDS_0: 20}
        assert set((await log.at_time(["numbers"], records[0].appended_at)).values()) == {0}

    # Ending

    async def test_everything_is_unavailable_when_the_log_is_closed(self, open_log: OpenLog) -> None:
        log = await open_log()
        waiting = asyncio.create_task(log.read({WORDS_0: 0}, wait=60))
        await asyncio.sleep(0)
        await log.close()
        async with asyncio.timeout(5):
            assert list(await waiting) == []
        for use in (
            log.append([message("a")]),
            log.append([]),
            log.read({WORDS_0: 0}),
            log.positions("g", ["words"]),
            log.earliest(["words"]),
            log.latest(["words"]),
        ):
            with pytest.raises(Unavailable):
                await use
        assert not await log.healthy()
        await log.close()

    async def test_close_finishes_appends_when_they_are_under_way(self, open_log: OpenLog) -> None:
        log, other = await open_log(), await open_log()
        appending = [asyncio.create_task(log.append([message(str(n))])) for n in range(50)]
        await asyncio.sleep(0)
        await log.close()
        assert [(await task)[0].offset for task in appending] == list(range(50))
        if log is not other:
            assert len(await read_all(other, "words")) == 50

    async def test_healthy_when_open(self, open_log: OpenLog) -> None:
        assert await (await open_log()).healthy()

    async def test_append_goes_on_for_others_when_a_caller_gives_up(self, open_log: OpenLog) -> None:
        log = await open_log()
        appending = [asyncio.create_task(log.append([message(str(n))])) for n in range(30)]
        await asyncio.sleep(0)
        for task in appending[::3]:
            task.cancel()
        outcomes = await asyncio.gather(*appending, return_exceptions=True)
        kept = {str(n) for n, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)}
        assert len(kept) >= 20
        found = ids(await read_all(log, "words"))
        assert kept <= set(found)
        assert len(found) == len(set(found))
