"""Writing each id once: what is claimed anew is sent, what was claimed before is waited for or looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from schemas.errors import Unavailable, VaultraError
from schemas.wire import Message
from streams.diversions import identity_of
from streams.kafka_claims import NOBODY, Claim, Claims, Identity
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import Cursors, Ends
from streams.kafka_writer import KafkaWriter
from streams.log import Appended, TopicPartition

_PATIENCE = 10.0
_LOOK_AGAIN = 0.01
# A living owner notes within this, unless it is paused: then what it claimed is looked for, again after twice as long.
_SEARCH_AFTER = 1.0
# Where records stand is noted in lots: a note each append would cost as much as the claim, and nobody waits for it.
_SETTLE_EVERY = 0.1
_SETTLE_AGAIN = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message and the partition its key belongs to."""

    place: TopicPartition
    message: Message


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is on its way; `offset` comes when the brokers have it."""

    place: TopicPartition
    offset: asyncio.Future[int]
    duplicate: bool


# What became of a message: it stands already, is on its way, or cannot stand.
Handed = Appended | Sent | VaultraError


def again(handed: Handed) -> Handed:
    """The same for another that brought the same id."""
    if isinstance(handed, VaultraError):
        return handed
    return replace(handed, duplicate=True) if isinstance(handed, Sent) else handed._replace(duplicate=True)


class OnceWriter:
    """Appends messages whose id does not stand yet. `claims` None: only what this process has under way is known."""

    def __init__(
        self, connection: KafkaConnection, claims: Claims | None, cursors: Cursors, ends: Ends, patience: float
    ) -> None:
        self._patience = patience
        self._claims = claims
        self._cursors = cursors
        self._ends = ends
        self._writer = KafkaWriter(connection, self._heard)
        # The least offset a record sent from now on can get, as far as this instance has seen.
        self._floors: dict[TopicPartition, int] = {}
        self._unsettled: dict[Identity, tuple[TopicPartition, int]] = {}
        self._doubtful: set[Identity] = set()
        # What is being given up is not taken over meanwhile: it would be given up with its new append under way.
        self._giving_up = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None
        self._unsettled_any = asyncio.Event()

    async def start(self, places: Sequence[TopicPartition]) -> None:
        """Connect. Raises SetupError or Unavailable."""
        self._floors = await self._ends.latest(places)
        await self._writer.start()
        if self._claims is not None:
            self._settling = asyncio.create_task(self._settle_forever(self._claims), name="settle claims")

    async def hand_over(self, wanted: Mapping[Identity, Wanted]) -> dict[Identity, Handed]:
        """Claim messages and send them, each key's in this order. One call at a time. Raises Unavailable.

        Behind an id that others claimed and have not settled, nothing of its key is sent.
        """
        handed: dict[Identity, Handed] = {}
        known = await self._claim(wanted)
        unsettled: dict[Identity, Claim] = {}
        for identity, one in wanted.items():
            under_way = self._writer.pending.get(identity)
            claim = known.get(identity)
            if under_way is not None:
                handed[identity] = Sent(one.place if claim is None else claim.place, under_way, duplicate=True)
            elif claim is not None and claim.offset is not None:
                handed[identity] = Appended(*claim.place, claim.offset, duplicate=True)
            elif claim is not None:
                unsettled[identity] = claim
        try:
            await self._send_in_order(wanted, handed, unsettled)
            if unsettled and self._claims is not None:
                await self._resolve(self._claims, unsettled, wanted, handed)
        finally:
            # Claimed and never sent: others would wait for this instance for as long as it lives.
            for identity in wanted.keys() - handed.keys():
                self._give_up(identity)
        for identity in wanted.keys() - handed.keys():
            handed[identity] = Unavailable(f"another instance is still appending {identity.id}, or what is before it")
        return handed

    async def _send_in_order(
        self,
        wanted: Mapping[Identity, Wanted],
        handed: dict[Identity, Handed],
        unsettled: dict[Identity, Claim],
        alive: Mapping[int, bool] | None = None,
    ) -> None:
        """Send what has nothing unsettled before it; settle what can be, once it is known which owners are `alive`.

        Nothing is taken over that would have to wait: two instances would wait for each other.
        """
        waiting: set[tuple[TopicPartition, str]] = set()
        for identity, one in wanted.items():
            if identity in handed or (waiting and (one.place, one.message.key) in waiting):
                continue
            claim = unsettled.get(identity)
            if claim is None or self._claims is None:
                handed[identity] = await self._send(identity, one)
            elif alive is not None and (found := await self._settled(self._claims, identity, claim, one, alive)):
                handed[identity] = found
                del unsettled[identity]
            else:
                waiting.add((one.place, one.message.key))

    async def acknowledged(self, handed: Sequence[Handed]) -> Sequence[Appended]:
        """Where messages stand, once every one does. What takes too long stays on its way.

        Raises the first one's error; Unavailable after `patience`.
        """
        waiting = {one.offset for one in handed if isinstance(one, Sent) and not one.offset.done()}
        if waiting:
            await asyncio.wait(waiting, timeout=self._patience)
        return [self._stands(one) for one in handed]

    def _stands(self, one: Handed) -> Appended:
        if isinstance(one, Appended):
            return one
        if isinstance(one, VaultraError):
            raise one
        if not one.offset.done():
            raise Unavailable(f"the log did not acknowledge within {self._patience:g} s")
        return Appended(*one.place, one.offset.result(), one.duplicate)

    async def healthy(self) -> bool:
        """Whether a producer is at work."""
        await self._writer.start()
        return True

    async def close(self) -> None:
        await self._writer.close(self._patience)
        if self._settling is not None:
            self._settling.cancel()
            with suppress(asyncio.CancelledError):
                await self._settling
        if self._claims is not None:
            with suppress(Unavailable):
                await self._settle(self._claims)
            await self._claims.close()

    async def _claim(self, wanted: Mapping[Identity, Wanted]) -> Mapping[Identity, Claim]:
        if self._claims is None:
            return {}
        return await self._claims.claim(
            {identity: (one.place, self._floors.get(one.place, 0)) for identity, one in wanted.items()},
            # What has a cause is made of it again, with the same id, and whoever acknowledges the cause waits for this;
            # what comes from outside comes once, and its sender may ask in a year whether it stands.
            hurried=all("causationid" in one.message.attributes for one in wanted.values()),
        )

    async def _send(self, identity: Identity, one: Wanted) -> Handed:
        try:
            return Sent(one.place, await self._writer.send(identity, one.place, one.message), duplicate=False)
        except VaultraError as error:
            self._give_up(identity)
            return error

    # Claims that others made

    async def _resolve(
        self,
        claims: Claims,
        unsettled: dict[Identity, Claim],
        wanted: Mapping[Identity, Wanted],
        handed: dict[Identity, Handed],
    ) -> None:
        """Wait until living owners have settled; take over what belonged to dead ones.

        What a living owner appended and has not noted counts once it is found; what is not found may be on its way,
        and is left unsettled after `patience`.
        """
        began = asyncio.get_running_loop().time()
        search_after = _SEARCH_AFTER
        while True:
            alive = {owner: await self._alive(claims, owner) for owner in {claim.owner for claim in unsettled.values()}}
            await self._send_in_order(wanted, handed, unsettled, alive)
            waited = asyncio.get_running_loop().time() - began
            if unsettled and waited > search_after:
                search_after = 2 * waited
                for identity, offset in (await self._search(unsettled)).items():
                    handed[identity] = Appended(*unsettled.pop(identity).place, offset, duplicate=True)
                await self._send_in_order(wanted, handed, unsettled)
            if not unsettled or waited > self._patience:
                return
            await asyncio.sleep(_LOOK_AGAIN)
            unsettled.update(await claims.look(list(unsettled)))

    async def _settled(
        self, claims: Claims, identity: Identity, claim: Claim, one: Wanted, alive: Mapping[int, bool]
    ) -> Handed | None:
        """What became of an id that was claimed before; None while it is not known."""
        if claim.offset is not None:
            return Appended(*claim.place, claim.offset, duplicate=True)
        if identity in self._unsettled:
            place, offset = self._unsettled[identity]
            return Appended(*place, offset, duplicate=True)
        if alive[claim.owner]:
            return None
        async with self._giving_up:
            if not await claims.take_over(identity, claim):
                return None
            # Given up here once, perhaps, and that not noted yet: it is this instance's again.
            self._doubtful.discard(identity)
        return await self._finish_for(claims, identity, claim, one)

    async def _alive(self, claims: Claims, owner: int) -> bool:
        """Whether somebody else is at it. This instance's own claims are under way, settled, or failed."""
        return owner not in (claims.owner, NOBODY) and await claims.alive(owner)

    async def _finish_for(
        self,
        claims: Claims,
        identity: Identity,
        claim: Claim,
        one: Wanted,
    ) -> Handed:
        """What a dead owner began: its record stands somewhere, or is appended now."""
        offset = await self._find(identity, claim)
        if offset is not None:
            log.info("an append of a dead process is found", topic=identity.topic, id=identity.id, offset=offset)
            self._note(identity, claim.place, offset)
            return Appended(*claim.place, offset, duplicate=True)
        if one.place != claim.place:
            await claims.move(identity, one.place, self._floors.get(one.place, 0))
        return await self._send(identity, one)

    async def _find(self, identity: Identity, claim: Claim) -> int | None:
        """The offset of an id at or after the claim's floor, up to the partition's end now."""
        return (await self._search({identity: claim})).get(identity)

    async def _search(self, claimed: Mapping[Identity, Claim]) -> dict[Identity, int]:
        """The offsets of ids that stand, each partition read once from the least floor to its end now."""
        found: dict[Identity, int] = {}
        by_place: dict[TopicPartition, dict[Identity, Claim]] = {}
        for identity, claim in claimed.items():
            by_place.setdefault(claim.place, {})[identity] = claim
        for place, end in (await self._ends.latest(list(by_place))).items():
            missing = by_place[place]
            position = min(claim.floor for claim in missing.values())
            while position < end and missing:
                for record in await self._cursors.read({place: position}, 500, _PATIENCE):
                    identity = Identity(record.topic, *identity_of(record))
                    if identity in missing and record.offset >= missing[identity].floor:
                        found[identity] = record.offset
                        del missing[identity]
                    position = record.offset + 1
        return found

    # Settling

    def _heard(self, identity: Identity, place: TopicPartition, outcome: int | BaseException) -> None:
        if isinstance(outcome, int):
            self._floors[place] = max(outcome + 1, self._floors.get(place, 0))
            self._note(identity, place, outcome)
        else:
            self._give_up(identity)

    def _note(self, identity: Identity, place: TopicPartition, offset: int) -> None:
        if self._claims is not None:
            self._unsettled[identity] = (place, offset)
            self._unsettled_any.set()

    def _give_up(self, identity: Identity) -> None:
        if self._claims is not None:
            self._doubtful.add(identity)
            self._unsettled_any.set()

    async def _settle_forever(self, claims: Claims) -> None:
        while True:
            await self._unsettled_any.wait()
            await asyncio.sleep(_SETTLE_EVERY)
            self._unsettled_any.clear()
            try:
                await self._settle(claims)
            except Unavailable:
                await asyncio.sleep(_SETTLE_AGAIN)
                self._unsettled_any.set()

    async def _settle(self, claims: Claims) -> None:
        standing = dict(self._unsettled)
        if standing:
            await claims.settle(standing)
            for identity in standing:
                self._unsettled.pop(identity, None)
        async with self._giving_up:
            doubtful = set(self._doubtful)
            if doubtful:
                await claims.give_up(doubtful)
                self._doubtful -= doubtful
