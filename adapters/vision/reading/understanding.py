"""The whole way from a read page and its pixels to the document's description."""

from __future__ import annotations

from adapters.vision.layout.describe import Drawing, describe, notation
from adapters.vision.layout.words import Page
from adapters.vision.reading.charts import chart_of
from adapters.vision.reading.drawing import photographic
from adapters.vision.reading.models import Pixels
from adapters.vision.reading.pies import pie_of
from adapters.vision.reading.series import series_of
from schemas.documents import DocumentDescription


def understand(page: Page, upright: Pixels) -> DocumentDescription:
    """What the page says; `upright` are the pixels that layout coordinates refer to (BGR)."""
    photo = photographic(upright)
    if photo:
        return describe(page, Drawing(photographic=True))
    written = notation(page)
    if (slices := pie_of(page, upright, written)) is not None:
        return describe(page, Drawing(chart=True, points=slices))
    if (table := series_of(page, upright, written)) is not None:
        return describe(page, Drawing(chart=True, table=table))
    if (chart := chart_of(page, upright, written)) is not None:
        return describe(page, Drawing(chart=True, points=chart.points, measured=chart.measured))
    return describe(page, Drawing())
