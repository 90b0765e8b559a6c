"""What a drawn document is known to say."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

from PIL import Image


@dataclass(frozen=True)
class Truth:
    """`total`, `currency`, `date` as a reader should find them, None where the page does not say.

    `figures` are other values by role; `rows` the number of rows of the main table; `points` a chart's values.
    `column` is the sum of the main table's last money column.
    """

    kind: str
    total: Decimal | None = None
    currency: str | None = None
    date: datetime.date | None = None
    figures: dict[str, Decimal] = field(default_factory=dict)
    rows: int | None = None
    column: Decimal | None = None
    points: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    picture: Image.Image
    truth: Truth
