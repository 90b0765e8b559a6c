"""Writing each id once: what is claimed anew is sent, what was claimed before is waited for or looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

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
_SETTLE_AGAIN = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message and the partition its key belongs to."""

    place: TopicPartition
    message: Message


class OnceWriter:
    """Appends messages whose id does not stand yet. `claims` None: only what this process has under way is known."""

    def __init__(
        self, connection: KafkaConnection, claims: Claims | None, cursors: Cursors, ends: Ends, patience: float
    ) -> None:
        self._patience = patience
        self._claims = claims
        self._cursors = cursors
        self._ends = ends
        self._writer = KafkaWriter(connection, self._acknowledged)
        # The least offset a record sent from now on can get, as far as this instance has seen.
        self._floors: dict[TopicPartition, int] = {}
        self._unsettled: dict[Identity, tuple[TopicPartition, int]] = {}
        self._doubtful: set[Identity] = set()
        self._settling: asyncio.Task[None] | None = None
        self._unsettled_any = asyncio.Event()

    async def start(self, places: Sequence[TopicPartition]) -> None:
        """Connect. Raises SetupError or Unavailable."""
        self._floors = await self._ends.latest(places)
        await self._writer.start()
        if self._claims is not None:
            self._settling = asyncio.create_task(self._settle_forever(self._claims), name="settle claims")

    async def write(self, wanted: Mapping[Identity, Wanted]) -> dict[Identity, Appended | VaultraError]:
        """Where each message stands, or what kept it from standing. Raises Unavailable when ids cannot be claimed."""
        outcomes: dict[Identity, Appended | VaultraError] = {}
        waiting: dict[Identity, tuple[TopicPartition, asyncio.Future[int], bool]] = {}
        known = await self._claim(wanted)
        unsettled: dict[Identity, Claim] = {}
        for identity, one in wanted.items():
            under_way = self._writer.pending.get(identity)
            claim = known.get(identity)
            if under_way is not None:
                waiting[identity] = (one.place if claim is None else claim.place, under_way, True)
            elif claim is None:
                await self._send(identity, one, waiting, outcomes)
            elif claim.offset is not None:
                outcomes[identity] = Appended(*claim.place, claim.offset, duplicate=True)
            else:
                unsettled[identity] = claim
        if unsettled and self._claims is not None:
            await self._resolve(self._claims, unsettled, wanted, waiting, outcomes)
        await self._collect(waiting, outcomes)
        return outcomes

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
            {identity: (one.place, self._floors.get(one.place, 0)) for identity, one in wanted.items()}
        )

    async def _send(
        self,
        identity: Identity,
        one: Wanted,
        waiting: dict[Identity, tuple[TopicPartition, asyncio.Future[int], bool]],
        outcomes: dict[Identity, Appended | VaultraError],
    ) -> None:
        try:
            waiting[identity] = (one.place, await self._writer.send(identity, one.place, one.message), False)
        except VaultraError as error:
            outcomes[identity] = error
            self._give_up(identity)

    async def _collect(
        self,
        waiting: Mapping[Identity, tuple[TopicPartition, asyncio.Future[int], bool]],
        outcomes: dict[Identity, Appended | VaultraError],
    ) -> None:
        """Wait for acknowledgements; what takes too long stays under way and is reported as Unavailable."""
        futures = {future for _, future, _ in waiting.values()}
        if futures:
            await asyncio.wait(futures, timeout=self._patience)
        for identity, (place, future, duplicate) in waiting.items():
            if not future.done():
                outcomes[identity] = Unavailable(f"the log did not acknowledge within {self._patience:g} s")
            elif (error := future.exception()) is not None:
                outcomes[identity] = error if isinstance(error, VaultraError) else Unavailable(repr(error))
            else:
                outcomes[identity] = Appended(*place, future.result(), duplicate)

    # Claims that others made

    async def _resolve(
        self,
        claims: Claims,
        unsettled: dict[Identity, Claim],
        wanted: Mapping[Identity, Wanted],
        waiting: dict[Identity, tuple[TopicPartition, asyncio.Future[int], bool]],
        outcomes: dict[Identity, Appended | VaultraError],
    ) -> None:
        """Wait until living owners have settled; take over what belonged to dead ones."""
        deadline = asyncio.get_running_loop().time() + self._patience
        while unsettled:
            alive = {owner: await self._alive(claims, owner) for owner in {claim.owner for claim in unsettled.values()}}
            for identity, claim in list(unsettled.items()):
                if claim.offset is not None:
                    outcomes[identity] = Appended(*claim.place, claim.offset, duplicate=True)
                elif identity in self._unsettled:
                    place, offset = self._unsettled[identity]
                    outcomes[identity] = Appended(*place, offset, duplicate=True)
                elif alive[claim.owner] or not await claims.take_over(identity, claim):
                    continue
                else:
                    await self._finish_for(claims, identity, claim, wanted[identity], waiting, outcomes)
                del unsettled[identity]
            if not unsettled:
                return
            if asyncio.get_running_loop().time() > deadline:
                for identity in unsettled:
                    outcomes[identity] = Unavailable(f"another instance is still appending {identity.id}")
                return
            await asyncio.sleep(_LOOK_AGAIN)
            unsettled.update(await claims.look(list(unsettled)))

    async def _alive(self, claims: Claims, owner: int) -> bool:
        """Whether somebody else is at it. This instance's own claims are under way, settled, or failed."""
        return owner not in (claims.owner, NOBODY) and await claims.alive(owner)

    async def _finish_for(
        self,
        claims: Claims,
        identity: Identity,
        claim: Claim,
        one: Wanted,
        waiting: dict[Identity, tuple[TopicPartition, asyncio.Future[int], bool]],
        outcomes: dict[Identity, Appended | VaultraError],
    ) -> None:
        """What a dead owner began: its record stands somewhere, or is appended now."""
        offset = await self._find(identity, claim)
        if offset is not None:
            log.info("an append of a dead process is found", topic=identity.topic, id=identity.id, offset=offset)
            self._note(identity, claim.place, offset)
            outcomes[identity] = Appended(*claim.place, offset, duplicate=True)
            return
        if one.place != claim.place:
            await claims.move(identity, one.place, self._floors.get(one.place, 0))
        await self._send(identity, one, waiting, outcomes)

    async def _find(self, identity: Identity, claim: Claim) -> int | None:
        """The offset of an id at or after the claim's floor, up to the partition's end now."""
        position, end = claim.floor, (await self._ends.latest([claim.place]))[claim.place]
        while position < end:
            for record in await self._cursors.read({claim.place: position}, 500, _PATIENCE):
                if identity_of(record) == (identity.tenant, identity.id):
                    return record.offset
                position = record.offset + 1
        return None

    # Settling

    def _acknowledged(self, identity: Identity, place: TopicPartition, outcome: int | BaseException) -> None:
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
            self._unsettled_any.clear()
            try:
                await self._settle(claims)
            except Unavailable:
                await asyncio.sleep(_SETTLE_AGAIN)
                self._unsettled_any.set()

    async def _settle(self, claims: Claims) -> None:
        standing, doubtful = dict(self._unsettled), set(self._doubtful)
        if standing:
            await claims.settle(standing)
            for identity in standing:
                self._unsettled.pop(identity, None)
        if doubtful:
            await claims.give_up(doubtful)
            self._doubtful -= doubtful
