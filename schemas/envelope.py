"""The envelope: CloudEvents 1.0 attributes around an event's data."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha1
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID, uuid5

from schemas.base import EventData

# Namespace of every id derived by uuid5. Fixed for ever: ids on the log depend on it.
NAMESPACE = UUID("6f1c5f3e-6a55-5f0c-9d5c-2a9e1b7c4d10")

D = TypeVar("D", bound=EventData, covariant=True)
Of = TypeVar("Of", bound=EventData)


class Event(NamedTuple, Generic[D]):
    """One fact on the log.

    `id` is deterministic (see `derived_id`), `time` is when it happened (aware, UTC); the time it was appended is
    the record's, not the event's. `correlationid` is the job or business run, `causationid` the event that caused
    this one (None for what comes from outside). `partitionkey` decides order: events of one key keep theirs.
    """

    id: str
    source: str
    subject: str
    time: datetime
    correlationid: str
    causationid: str | None
    tenantid: str
    partitionkey: str
    traceparent: str | None
    data: D

    @property
    def type(self) -> str:
        return self.data.TYPE


def about_business(
    business: str,
    data: Of,
    *,
    id: str,
    source: str,
    time: datetime,
    tenant: str,
    cause: str | None = None,
    traceparent: str | None = None,
) -> Event[Of]:
    """An event of a business's run: the business is its subject and its key, so that its events keep their order."""
    return Event(
        id=id,
        source=source,
        subject=business,
        time=time,
        correlationid=business,
        causationid=cause,
        tenantid=tenant,
        partitionkey=business,
        traceparent=traceparent,
        data=data,
    )


def derived_id(cause_id: str, stage: str, ordinal: int) -> str:
    """Id of the `ordinal`-th event a stage emits for a cause: the same work gives the same ids, however often done."""
    # What str(uuid5(NAMESPACE, name)) gives, at a fifth of its cost: every event on the log passes here.
    name = f"{cause_id}/{stage}/{ordinal}".encode()
    digest = sha1(NAMESPACE.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def upload_id(tenant: str, idempotency_key: str) -> str:
    """Id of an upload that came with an `Idempotency-Key`: scoped by tenant, so keys of two tenants never meet."""
    return str(uuid5(NAMESPACE, f"upload/{tenant}/{idempotency_key}"))


def uuid7(unix_ms: int, randomness: bytes) -> str:
    """A UUIDv7 (RFC 9562) from a time in milliseconds and 10 random bytes, both handed in by the caller."""
    if len(randomness) != 10:
        raise ValueError("uuid7 needs 10 random bytes")
    value = (unix_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(randomness, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
