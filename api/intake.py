"""What happens to an upload: checked, stored, and put on the log as one event – or refused as one event."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from adapters.vision.sniffing import picture_format
from api.problems import Kind, ProblemError
from api.services import ApiServices
from schemas.base import BlobRef, EventData
from schemas.documents import DocumentReceived, DocumentRefused, Original, Picture
from schemas.envelope import Event, upload_id, uuid7
from schemas.errors import PictureRefused, Unavailable
from schemas.wire import decode, encode
from streams.log import Appended, TopicPartition
from streams.topics import topic_of

SOURCE = "vaultra/api"
_PNG = "image/png"
_FILENAME_LENGTH = 120
_HASH_INLINE = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One request to analyse a picture. `filename` as the client sent it; `idempotency_key` already validated."""

    data: bytes
    filename: str | None
    question: str | None
    business_id: str | None
    idempotency_key: str | None
    traceparent: str | None


async def take_in(upload: Upload, tenant: str, services: ApiServices) -> Event[DocumentReceived | DocumentRefused]:
    """The event that stands on the log for an upload, appended now or – same `Idempotency-Key` – before.

    Only the append makes a job: whatever fails earlier leaves at most a blob nobody names. Raises Unavailable when
    a store does not answer, ProblemError when the key was used for something else.
    """
    sha256 = await _sha256(upload.data)
    original = Original(
        sha256=sha256,
        size=len(upload.data),
        media_type=_media_type(upload.data),
        filename=clean_filename(upload.filename),
    )
    data = await _judge(upload, original, services)
    now = services.clock()
    if upload.idempotency_key is None:
        job_id = uuid7(int(now.timestamp() * 1000), services.randomness(10))
    else:
        job_id = upload_id(tenant, upload.idempotency_key)
    event: Event[DocumentReceived | DocumentRefused] = Event(
        id=job_id,
        source=SOURCE,
        subject=job_id,
        time=now,
        correlationid=job_id,
        causationid=None,
        tenantid=tenant,
        partitionkey=job_id,
        traceparent=upload.traceparent,
        data=data,
    )
    (appended,) = await services.log.append([encode(event, topic_of(type(data)).name)])
    if not appended.duplicate:
        return event
    before = await _stored(appended, services)
    if _asked(before.data) != _asked(data):
        raise ProblemError(
            Kind.IDEMPOTENCY_CONFLICT,
            "Another picture, question or business was uploaded with this Idempotency-Key. Use a new key.",
        )
    return before


async def _sha256(data: bytes) -> str:
    """In a thread only where it would hold up the event loop longer than the way to the thread."""
    if len(data) <= _HASH_INLINE:
        return hashlib.sha256(data).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()


async def _judge(upload: Upload, original: Original, services: ApiServices) -> DocumentReceived | DocumentRefused:
    try:
        png, width, height = await services.pictures.normalise(upload.data)
    except PictureRefused as refusal:
        return DocumentRefused.model_validate(
            {
                "code": refusal.code,
                "reason": str(refusal),
                "original": original,
                "question": upload.question,
                "business_id": upload.business_id,
            }
        )
    blob: BlobRef = await services.blobs.put(png, _PNG)
    return DocumentReceived(
        picture=Picture(blob=blob, width=width, height=height),
        original=original,
        question=upload.question,
        business_id=upload.business_id,
    )


async def _stored(appended: Appended, services: ApiServices) -> Event[DocumentReceived | DocumentRefused]:
    place = TopicPartition(appended.topic, appended.partition)
    records = await services.log.read({place: appended.offset}, limit=1)
    if not records:
        raise Unavailable(f"{appended.topic}[{appended.partition}]@{appended.offset} cannot be read")
    event: Event[EventData] = decode(records[0].attributes, records[0].value)
    if not isinstance(event.data, DocumentReceived | DocumentRefused):
        raise Unavailable(f"{event.id} is no upload but {event.type}")
    return event  # type: ignore[return-value]  # narrowed by its data just above


def _asked(data: DocumentReceived | DocumentRefused) -> tuple[str, str | None, str | None]:
    """What makes two uploads the same request. The file's name does not: clients often make one up per try."""
    return data.original.sha256, data.question, data.business_id


def _media_type(data: bytes) -> str | None:
    """What the first bytes claim, for the record: what is accepted is decided by the picture reader."""
    claimed = picture_format(data)
    return f"image/{claimed.lower()}" if claimed else None


def clean_filename(name: str | None) -> str | None:
    """The last part of a path, printable, at most 120 characters with its ending kept; None when nothing is left."""
    if name is None:
        return None
    base = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(c for c in base if c.isprintable()).strip().lstrip(".").strip()
    if len(printable) > _FILENAME_LENGTH:
        stem, dot, ending = printable.rpartition(".")
        keep = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        printable = (stem if keep else printable)[: _FILENAME_LENGTH - len(keep)] + keep
    return printable or None
