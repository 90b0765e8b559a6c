"""How often the reader is right: `python -m bench.eval_vision [COUNT] [KIND …]`.

Per kind of drawn document: total, currency, date and further figures right, wrong or absent (not given). A wrong figure
is one that is stated with a confidence of a half or more. Then the pictures of `../shared/data/images`, where present.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from adapters.vision.intake import PillowPictureReader
from adapters.vision.rapidocr import RapidOcrVision
from bench.documents import KINDS, draw
from bench.drawn.truth import Truth
from schemas.documents import DocumentDescription

_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
Scores = dict[str, Counter[str]]


def compared(found: object, expected: object) -> str:
    """`right`, `wrong` or `absent`; saying nothing where there is nothing to say is right."""
    if found is None:
        return "right" if expected is None else "absent"
    return "right" if found == expected else "wrong"


def judge(document: DocumentDescription, truth: Truth, scores: Scores) -> list[str]:
    """Count every field of one document; the fields that are wrong, in words."""
    wrong: list[str] = []

    def count(field: str, found: object, expected: object) -> None:
        verdict = compared(found, expected)
        scores[field][verdict] += 1
        if verdict != "right":
            wrong.append(f"{field} {verdict}: {found} for {expected}")

    count("kind", document.kind, truth.kind)
    if truth.kind in ("invoice", "receipt", "photo"):
        count("total", document.total, truth.total)
        count("date", document.date, truth.date)
    if truth.currency is not None:
        count("currency", document.currency, truth.currency)
    for name, value in truth.figures.items():
        said = [f.value for f in document.figures if (f.role == name or f.label == name) and f.confidence >= 0.5]
        count(
            f"figure:{name}" if truth.kind != "dashboard" else "cards",
            value if value in said else (said or [None])[0],
            value,
        )
    for name, value in truth.points.items():
        said = [f for f in document.figures if f.role == "data_point" and f.label == name]
        # Measured values are approximate and say so.
        near = bool(said) and said[0].confidence < 0.7 and abs(said[0].value - value) <= max(truth.points.values()) / 50
        count("points", value if near else (said[0].value if said else None), value)
    if truth.rows is not None:
        table = max(document.tables, key=lambda t: len(t.rows), default=None)
        count("rows", len(table.rows) if table else None, truth.rows)
        if table is not None and truth.column is not None:
            last = [row[-1].value for row in table.rows if row[-1].value is not None]
            count("column sum", sum(last, Decimal(0)) if last else None, truth.column)
        elif truth.column is not None:
            count("column sum", None, truth.column)
    return wrong


async def drawn(count: int, kinds: list[str], verbose: bool) -> None:
    reader, model = PillowPictureReader(), RapidOcrVision(2)
    try:
        for kind in kinds:
            scores: Scores = defaultdict(Counter)
            seconds = 0.0
            for seed in range(count):
                made = draw(kind, seed)
                out = io.BytesIO()
                made.picture.save(out, "PNG")
                png, _, _ = await reader.normalise(out.getvalue())
                started = time.monotonic()
                document = await model.describe(png)
                seconds += time.monotonic() - started
                wrong = judge(document, made.truth, scores)
                if wrong and verbose:
                    print(f"  {kind}_{seed:03}: {'; '.join(wrong)}")
            print(f"{kind} ({count}, {seconds / max(count, 1):.2f} s each)")
            for field, counter in scores.items():
                print(
                    f"  {field:24} right {counter['right']:4}  wrong {counter['wrong']:4}  absent {counter['absent']:4}"
                )
        if _IMAGES.is_dir():
            await given(reader, model)
    finally:
        await reader.close()
        await model.close()


async def given(reader: PillowPictureReader, model: RapidOcrVision) -> None:
    """The pictures with known totals and currencies that lie outside of the project."""
    known = json.loads((_IMAGES / "ground_truth.json").read_text())
    print("pictures of ../shared/data/images")
    for name, truth in known.items():
        png, _, _ = await reader.normalise((_IMAGES / name).read_bytes())
        document = await model.describe(png)
        total = truth.get("total", truth.get("printed_grand_total"))
        expected = None if total is None else Decimal(total.replace(",", ""))
        verdict = "-" if expected is None else compared(document.total, expected)
        print(
            f"  {name:38} {document.kind:10} total {document.total!s:9} {verdict:6} "
            f"currency {document.currency} (known {truth.get('currency')}) date {document.date}"
        )


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    number = int(arguments[0]) if arguments else 10
    asyncio.run(drawn(number, arguments[1:] or list(KINDS), "-v" in sys.argv))
