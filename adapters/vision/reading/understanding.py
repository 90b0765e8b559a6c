"""The whole way from a read page and its pixels to the document's description."""

from __future__ import annotations

from adapters.vision.layout.describe import Drawing, describe, notation
from adapters.vision.layout.words import Page
from adapters.vision.reading.charts import chart_of
from adapters.vision.reading.drawing import photographic
from adapters.vision.reading.models import Pixels
from schemas.documents import DocumentDescription


def understand(page: Page, upright: Pixels) -> DocumentDescription:
    """What the page says; `upright` are the pixels that layout coordinates refer to (BGR)."""
    photo = photographic(upright)
    chart = None if photo else chart_of(page, upright, notation(page))
    if chart is None:
        return describe(page, Drawing(photographic=photo))
    return describe(page, Drawing(chart=True, points=chart.points, measured=chart.measured))
