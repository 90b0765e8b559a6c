"""The stage `vision` and the memo around its model, with fakes for the ports."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from adapters.ports import BlobStore, Memo, ModelAnswer, VisionModel
from adapters.vision.memoized import MemoizedVision
from processors.vision import INLINE_LIMIT, inlined, vision
from schemas.analyses import AnalysisFailed
from schemas.base import BlobRef
from schemas.documents import (
    Box,
    Cell,
    Column,
    DocumentDescribed,
    DocumentDescription,
    DocumentReceived,
    Figure,
    Original,
    Picture,
    Table,
)
from schemas.envelope import Event
from schemas.errors import ModelFault, NotFound
from tests.events import event_of

BOX = Box(x=1, y=2, width=3, height=4)


class DictBlobs(BlobStore):
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        name = hashlib.sha256(data).hexdigest()
        self.kept[name] = data
        return BlobRef(sha256=name, size=len(data), media_type=media_type)

    async def get(self, ref: BlobRef) -> bytes:
        if ref.sha256 not in self.kept:
            raise NotFound(ref.sha256)
        return self.kept[ref.sha256]

    async def healthy(self) -> bool:
        return True


class FixedVision(VisionModel):
    def __init__(self, description: DocumentDescription) -> None:
        self.description = description
        self.calls = 0

    @property
    def name(self) -> str:
        return "fixed/1"

    async def describe(self, png: bytes) -> DocumentDescription:
        self.calls += 1
        return self.description


class DictMemo(Memo):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, bytes], ModelAnswer] = {}

    async def call(
        self, *, model: str, parameters: Mapping[str, Any], prompt: bytes, perform: Callable[[], Awaitable[ModelAnswer]]
    ) -> ModelAnswer:
        key = (model, repr(sorted(parameters.items())), prompt)
        if key not in self.kept:
            self.kept[key] = await perform()
        return self.kept[key]


def figure(value: int) -> Figure:
    return Figure(label=f"figure {value}", value=Decimal(value), text=str(value), confidence=0.9, box=BOX)


def described(rows: int = 2, figures: int = 2) -> DocumentDescription:
    table = Table(
        columns=(Column(name="Name", kind="text"), Column(name="Amount", kind="money", unit="EUR")),
        rows=tuple(
            (Cell(text=f"row {n}", box=BOX), Cell(text=f"{n}.00", value=Decimal(n), box=BOX)) for n in range(rows)
        ),
    )
    return DocumentDescription(
        kind="invoice",
        total=Decimal(figures - 1),
        total_figure=figures - 1,
        figures=tuple(figure(n) for n in range(figures)),
        tables=(table,),
        width=10,
        height=20,
    )


async def received(blobs: BlobStore) -> Event[DocumentReceived]:
    picture = Picture(blob=await blobs.put(b"png", "image/png"), width=10, height=20)
    data = DocumentReceived(picture=picture, original=Original(sha256="0" * 64, size=3), question="How much?")
    return event_of(data)


async def test_stage_emits_the_document_and_keeps_all_of_it_when_it_is_small() -> None:
    blobs, model = DictBlobs(), FixedVision(described())
    (event,) = await vision(await received(blobs), {"vision": model, "blobs": blobs})
    assert isinstance(event, DocumentDescribed)
    assert (event.truncated, event.model, event.question) == (False, "fixed/1", "How much?")
    assert DocumentDescription.model_validate_json(await blobs.get(event.description)) == model.description
    assert event.document.tables == model.description.tables


async def test_stage_emits_the_same_when_a_delivery_comes_twice() -> None:
    blobs, model = DictBlobs(), FixedVision(described())
    event = await received(blobs)
    ports = {"vision": model, "blobs": blobs}
    assert await vision(event, ports) == await vision(event, ports)


@pytest.mark.parametrize(("rows", "figures"), [(4_000, 3), (3, 4_000), (2_000, 2_000)])
def test_document_is_cut_and_says_so_when_it_exceeds_the_limit(rows: int, figures: int) -> None:
    description = described(rows, figures)
    document, truncated = inlined(description)
    assert truncated
    assert len(document.model_dump_json()) <= INLINE_LIMIT
    assert document.total == description.total
    assert document.total_figure is not None
    assert document.figures[document.total_figure].value == description.total


async def test_stage_gives_up_with_a_reason_for_people_when_asked() -> None:
    assert vision.gives_up is not None
    (event,) = vision.gives_up(await received(DictBlobs()), "the reader ended")
    assert event == AnalysisFailed(stage="vision", reason="The picture could not be read: the reader ended")


async def test_memo_answers_when_the_picture_was_read_before() -> None:
    model, memo = FixedVision(described()), DictMemo()
    remembering = MemoizedVision(model, memo)
    assert remembering.name == "fixed/1"
    assert await remembering.describe(b"a") == await MemoizedVision(model, memo).describe(b"a")
    assert model.calls == 1
    await remembering.describe(b"b")
    assert model.calls == 2


async def test_memo_raises_model_fault_when_it_holds_something_else() -> None:
    memo = DictMemo()
    remembering = MemoizedVision(FixedVision(described()), memo)
    await remembering.describe(b"a")
    (key,) = memo.kept
    memo.kept[key] = ModelAnswer(body="{}")
    with pytest.raises(ModelFault):
        await remembering.describe(b"a")
