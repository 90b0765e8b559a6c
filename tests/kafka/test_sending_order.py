"""What one append sends: in its order, behind what others claimed before; no broker is needed to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import pytest

from adapters.database import Database
from schemas.errors import Unavailable
from schemas.wire import Message
from streams.kafka_claims import Claim, Claims, Identity
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import Cursors, Ends
from streams.kafka_once import OnceWriter, Sent, Wanted
from streams.kafka_writer import KafkaWriter
from streams.log import TopicPartition
from tests.contracts.log_kit import message

PLACE = TopicPartition("numbers", 0)
DEAD, ALIVE, HERE = 1, 3, 5


class Claimed(Claims):
    """The ids in `before` were claimed by others; only `ALIVE` is still there. Nothing stands."""

    def __init__(self, before: Mapping[str, int]) -> None:
        self.owner = HERE
        self.before = before
        self.gone = False
        self.hurried = False
        self.given_up: set[str] = set()

    async def claim(self, wanted: Mapping[Identity, object], *, hurried: bool = False) -> dict[Identity, Claim]:
        self.hurried = hurried
        return await self.look([identity for identity in wanted if identity.id in self.before])

    async def look(self, identities: Collection[Identity]) -> dict[Identity, Claim]:
        return {identity: Claim(PLACE, 0, self.before[identity.id], None) for identity in identities}

    async def alive(self, owner: int) -> bool:
        if self.gone:
            raise Unavailable("the claims are away")
        return owner == ALIVE

    async def take_over(self, identity: Identity, claim: Claim) -> bool:
        return True

    async def give_up(self, identities: Collection[Identity]) -> None:
        self.given_up |= {identity.id for identity in identities}

    async def close(self) -> None:
        """There is no connection."""


class GivingUpSlowly(Claims):
    """Real claims; what is given up is on its way until `arrives` is set."""

    def __init__(self, database: Database, number: int) -> None:
        super().__init__(database, number)
        self.under_way = asyncio.Event()
        self.arrives = asyncio.Event()

    async def give_up(self, identities: Collection[Identity]) -> None:
        self.under_way.set()
        await self.arrives.wait()
        await super().give_up(identities)


class Empty(Ends):
    async def latest(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that reach the producer, as they do."""
    found: list[str] = []

    async def send(
        writer: KafkaWriter, identity: Identity, place: TopicPartition, message: Message
    ) -> asyncio.Future[int]:
        found.append(identity.id)
        return asyncio.get_running_loop().create_future()

    monkeypatch.setattr(KafkaWriter, "send", send)
    return found


def writer_over(claims: Claims, patience: float = 0.0) -> OnceWriter:
    connection = KafkaConnection("nowhere:1")
    ends = Empty(connection, [PLACE])
    return OnceWriter(connection, claims, Cursors(connection, ends), ends, patience)


def wanted(*named: tuple[str, str]) -> dict[Identity, Wanted]:
    """Of (id, key) each."""
    made = [message(id, topic="numbers", key=key) for id, key in named]
    return {Identity(one.topic, one.tenant, one.id): Wanted(PLACE, one) for one in made}


async def test_new_ids_wait_for_one_before_them_when_a_dead_process_claimed_that(sent: list[str]) -> None:
    writer = writer_over(Claimed({"a": DEAD, "c": DEAD}))
    handed = await writer.hand_over(wanted(("a", "k"), ("b", "k"), ("c", "k"), ("d", "k")))
    assert sent == ["a", "b", "c", "d"]
    assert all(isinstance(one, Sent) and not one.duplicate for one in handed.values())


async def test_nothing_of_its_key_is_sent_behind_an_id_when_a_living_process_has_it(sent: list[str]) -> None:
    claims = Claimed({"b": ALIVE})
    writer = writer_over(claims)
    handed = await writer.hand_over(wanted(("a", "k"), ("b", "k"), ("c", "k"), ("d", "other")))
    assert sent == ["a", "d"]
    assert [isinstance(one, Unavailable) for _, one in sorted(handed.items())] == [False, True, True, False]
    await writer.close()
    assert claims.given_up >= {"c"}, "or others would wait for it until this process ends"


async def test_what_was_claimed_is_given_up_when_it_cannot_be_learnt_who_lives(sent: list[str]) -> None:
    claims = Claimed({"a": DEAD})
    claims.gone = True
    writer = writer_over(claims)
    with pytest.raises(Unavailable, match="claims are away"):
        await writer.hand_over(wanted(("a", "k"), ("b", "k")))
    assert sent == []
    await writer.close()
    assert claims.given_up >= {"b"}


async def test_claim_is_kept_when_its_id_is_appended_again_while_it_is_being_given_up(
    sent: list[str], database: Database
) -> None:
    """Given up with its record on the way, anybody might append the id a second time."""
    claims = await GivingUpSlowly.open(database, "cluster", "given-up.")
    writer = writer_over(claims, patience=5.0)
    one = wanted(("a", "k"))
    [identity] = one
    await claims.claim({identity: (PLACE, 0)})
    writer._heard(identity, PLACE, Unavailable("the producer gave up"))
    settling = asyncio.create_task(writer._settle(claims))
    await claims.under_way.wait()
    again = asyncio.create_task(writer.hand_over(one))
    await asyncio.wait({again}, timeout=0.3)
    claims.arrives.set()
    await settling
    assert isinstance((await again)[identity], Sent)
    assert sent == ["a"]
    assert (await claims.look([identity]))[identity].owner == claims.owner
    await writer.close()


async def test_claims_wait_for_the_disk_when_one_of_them_comes_from_outside(sent: list[str]) -> None:
    claims = Claimed({})
    writer = writer_over(claims)
    upload = message("upload", topic="numbers")
    output = message("output", topic="numbers")._replace(attributes={**upload.attributes, "causationid": "upload"})
    for messages, hurried in (([output], True), ([upload], False), ([output, upload], False)):
        await writer.hand_over({Identity(one.topic, one.tenant, one.id): Wanted(PLACE, one) for one in messages})
        assert claims.hurried is hurried
    await writer.close()
