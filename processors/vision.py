"""The stage `vision`: a received picture becomes a described document."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import BlobStore, VisionModel
from processors.stage import stage
from schemas.analyses import AnalysisFailed
from schemas.base import EventData
from schemas.documents import Document, DocumentDescribed, DocumentDescription, DocumentReceived
from schemas.envelope import Event

# Bytes of JSON that an event may inline; the description blob holds everything.
INLINE_LIMIT = 200_000


def _give_up(event: Event[DocumentReceived], reason: str) -> Sequence[EventData]:
    return [AnalysisFailed(stage="vision", reason=f"The picture could not be read: {reason}")]


@stage(
    "vision",
    consumes=[DocumentReceived],
    emits=[DocumentDescribed, AnalysisFailed],
    timeout=60,
    retries=3,
    gives_up=_give_up,
)
async def vision(event: Event[DocumentReceived], *, vision: VisionModel, blobs: BlobStore) -> Sequence[EventData]:
    """Read the picture, store the whole description, emit what an event may hold of it."""
    received = event.data
    description = await vision.describe(await blobs.get(received.picture.blob))
    stored = await blobs.put(description.model_dump_json().encode(), "application/json")
    document, truncated = inlined(description)
    return [
        DocumentDescribed(
            picture=received.picture,
            document=document,
            truncated=truncated,
            description=stored,
            question=received.question,
            business_id=received.business_id,
            model=vision.name,
        )
    ]


def inlined(description: DocumentDescription, limit: int = INLINE_LIMIT) -> tuple[Document, bool]:
    """The document without its lines, and without table rows and figures that would exceed `limit` bytes of JSON.

    Figures come before tables, the one that states the total always stays; the flag tells whether anything is missing.
    """
    document = Document.model_validate(description.model_dump(include=set(Document.model_fields)))
    if _size(document) <= limit:
        return document, False
    tables = document.tables
    while tables and _size(document) > limit:
        longest = max(range(len(tables)), key=lambda index: len(tables[index].rows))
        if len(tables[longest].rows) <= 1:
            tables = tables[:-1]
        else:
            kept = tables[longest].rows[: len(tables[longest].rows) // 2]
            shorter = tables[longest].model_copy(update={"rows": kept})
            tables = (*tables[:longest], shorter, *tables[longest + 1 :])
        document = document.model_copy(update={"tables": tables})
    while document.figures and _size(document) > limit:
        count = len(document.figures) // 2
        figures, total = document.figures[:count], document.total_figure
        if total is not None and total >= count:
            figures, total = (*figures[:-1], document.figures[total]), max(count - 1, 0)
        document = document.model_copy(update={"figures": figures, "total_figure": total})
        if count <= 1:
            break
    if _size(document) > limit:
        document = document.model_copy(update={"warnings": document.warnings[:20]})
    return document, True


def _size(document: Document) -> int:
    return len(document.model_dump_json())
