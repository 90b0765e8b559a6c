"""Draws documents whose content is known: invoices, receipts, statements, tables, bar charts, dashboards, pictures.

    python -m bench.documents DIRECTORY [COUNT]     some of every kind, with truth.json
    python -m bench.documents --samples             the sample pictures of `vaultra demo`

Everything follows from a seed. Names and figures are invented.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from bench.drawn.business import invoice, receipt, statement
from bench.drawn.canvas import worn
from bench.drawn.plots import bar_chart, dashboard, gradient, sales_table
from bench.drawn.truth import Drawn

KINDS = {
    "invoice": invoice,
    "receipt": receipt,
    "statement": statement,
    "table": sales_table,
    "chart": bar_chart,
    "dashboard": dashboard,
    "photo": gradient,
}


def draw(kind: str, seed: int) -> Drawn:
    """A document of the kind, worn a little (noise, slight turns, JPEG artefacts) as its seed decides."""
    chance = random.Random(f"{kind}/{seed}")
    drawn = KINDS[kind](chance)
    return Drawn(worn(drawn.picture, chance), drawn.truth)


def write_all(directory: Path, count: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    truths = {}
    for kind in KINDS:
        for seed in range(count):
            drawn = draw(kind, seed)
            name = f"{kind}_{seed:03}.png"
            drawn.picture.save(directory / name)
            truths[name] = asdict(drawn.truth)
    (directory / "truth.json").write_text(json.dumps(truths, indent=1, default=str, ensure_ascii=False))


def write_samples(directory: Path) -> None:
    """The pictures shipped in `vaultra/samples`, unworn, with a question and its answer each."""
    from bench.drawn.samples import SAMPLES

    directory.mkdir(parents=True, exist_ok=True)
    listing = []
    for sample in SAMPLES:
        drawn = sample.draw()
        small = drawn.picture.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(directory / sample.file, optimize=True)
        listing.append({"file": sample.file, "question": sample.question, "expect": sample.expect})
    (directory / "samples.json").write_text(json.dumps(listing, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--samples"]:
        write_samples(Path(__file__).resolve().parents[1] / "vaultra" / "samples")
    elif len(sys.argv) in (2, 3):
        write_all(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 5)
    else:
        sys.exit(__doc__)
