"""Events and values about a document picture: received, refused, described."""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schemas.base import Amount, BlobRef, EventData, Sha256, Value
from schemas.printable import only_text

DocumentKind = Literal[
    "invoice", "receipt", "estimate", "statement", "table", "chart", "dashboard", "text", "photo", "unknown"
]
RefusalCode = Literal["empty", "too_large", "unsupported_type", "too_many_pixels", "broken", "too_slow", "too_small"]
# What a labelled figure stands for, where its label says so.
FigureRole = Literal[
    "total",
    "amount_due",
    "subtotal",
    "tax",
    "tax_rate",
    "discount",
    "shipping",
    "tip",
    "paid",
    "change",
    "opening_balance",
    "closing_balance",
    "balance",
    "quantity",
    "unit_price",
    "data_point",
    "other",
]
# What a reader found; the results of programs over it hold text only, and would be refused with anything else.
Read = Annotated[str, AfterValidator(only_text)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Picture(Value):
    """A normalised picture: re-encoded as PNG, upright, without metadata. Pixels, origin top left."""

    blob: BlobRef
    width: int
    height: int


class Original(Value):
    """What the uploader sent, by hash only: the bytes themselves are not kept (they may hold metadata)."""

    sha256: Sha256
    size: int
    media_type: str | None = None
    filename: str | None = None


class Box(Value):
    """An upright rectangle in pixels of the normalised picture; (x, y) is its top left corner."""

    x: int
    y: int
    width: int
    height: int


class TextLine(Value):
    """One run of text as read, with the reader's confidence."""

    text: Read
    box: Box
    confidence: Confidence


class Figure(Value):
    """A number with the words that label it. `unit` is an ISO 4217 code, `%`, another unit, or None when unknown."""

    label: Read
    value: Amount
    unit: str | None = None
    role: FigureRole = "other"
    text: Read
    confidence: Confidence
    box: Box


class Cell(Value):
    """A table cell: the text as read and, where it is a number, its exact value."""

    text: Read
    value: Amount | None = None
    confidence: Confidence = 1.0
    box: Box | None = None


class Column(Value):
    """A table column. `kind` is what its cells hold; `unit` as in `Figure`."""

    name: Read
    kind: Literal["text", "number", "money", "percent", "date"]
    unit: str | None = None


class Table(Value):
    """Rows under columns; every row has one cell per column. Subtotal and total rows stand in `summary_rows`."""

    name: Read | None = None
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    summary_rows: tuple[tuple[Cell, ...], ...] = ()
    confidence: Confidence = 1.0
    box: Box | None = None


class Document(Value):
    """What a picture says. `total`, `currency` and `date` are None unless read with confidence.

    `warnings` are plain sentences about what does not add up or could not be read (a printed total that is not the
    sum of its lines, say). `figures` and `tables` are in reading order.
    """

    kind: DocumentKind
    total: Amount | None = None
    total_figure: int | None = Field(default=None, description="index into figures of the one that states the total")
    currency: str | None = None
    date: datetime.date | None = None
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[str, ...] = ()


class DocumentDescription(Document):
    """A document with all its text: the content of the description blob."""

    width: int
    height: int
    lines: tuple[TextLine, ...] = ()


class DocumentReceived(EventData):
    """A picture was accepted and stored. Emitted by the API; starts a job."""

    TYPE: ClassVar[str] = "vaultra.document.received.v1"
    picture: Picture
    original: Original
    question: str | None = None
    business_id: str | None = None


class DocumentRefused(EventData):
    """A picture was not accepted. Ends the job at once; `reason` is for people."""

    TYPE: ClassVar[str] = "vaultra.document.refused.v1"
    code: RefusalCode
    reason: str
    original: Original
    question: str | None = None
    business_id: str | None = None


class DocumentDescribed(EventData):
    """Vision read the picture. `document` is bounded for the log; `description` names the blob with everything."""

    TYPE: ClassVar[str] = "vaultra.document.described.v1"
    picture: Picture
    document: Document
    truncated: bool = Field(default=False, description="true when `document` leaves out what the blob holds")
    description: BlobRef
    question: str | None = None
    business_id: str | None = None
    model: str
