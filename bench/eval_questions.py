"""How often answers are right: `python -m bench.eval_questions [COUNT] [KIND …]`.

Questions in plain words about drawn documents whose content is known, and about the pictures of
`../shared/data/images` where present. An answer is right, wrong (stated as fact, and not so), hedged (wrong, but given
as unverified), unverified (right, but not stated as fact), silent ("not found", "not understood") – by author of the
code that found it.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from adapters.minilm import MiniLmEmbedder
from adapters.planning.embedding import EmbeddingPlanner
from adapters.vision.intake import PillowPictureReader
from adapters.vision.rapidocr import RapidOcrVision
from bench.documents import KINDS, draw
from bench.drawn.truth import Truth
from processors.attempts import COMPILED
from processors.conclusion import compiled_answer
from processors.evaluate import evaluate_steps
from schemas.analyses import Answer

Expected = Decimal | str | None
OUTCOMES = ("right", "unverified", "silent", "hedged", "wrong")
_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
_NEVER = ("What's the weather tomorrow?", "What is the Q3 profit margin?", "Who is the CEO?")

# Of the pictures in ../shared: what ground_truth.json and a look at them say.
PICTURES: dict[str, tuple[tuple[str, Expected], ...]] = {
    "bank_statement_tesseractjs.png": (
        ("What is the closing balance?", Decimal("70888.01")), ("sum of debits", Decimal("3838.97")),
        ("What is the largest credit?", Decimal("32414.50")), ("Does the balance add up?", "yes"),
        ("What is the overdraft fee?", None),
    ),
    "chart_layer_bar_labels.png": (
        ("Which bar is the highest?", "B"), ("What is the value of C?", Decimal(43)), ("sum of the bars", Decimal(126)),
        ("What is the value of D?", None),
    ),
    "dashboard_polar_balance.jpeg": (("What is the balance?", Decimal(95)), ("What is the tax?", None)),
    "dashboard_polar_order_detail.png": (("What is the total?", Decimal(99)), ("How much is shipping?", None)),
    "invoice_AzureInterior.png": (
        ("What is the total?", Decimal("279.84")), ("How many line items?", Decimal(4)),
        ("Which item costs the most?", "Truffles"), ("How much is shipping?", None),
    ),
    "invoice_coolblue1.png": (
        ("What is the total?", Decimal("717.97")), ("How much VAT was paid?", Decimal("124.61")),
        ("What is the invoice number?", "993548900"), ("How much was the discount?", None),
    ),
    "invoice_repair_markitdown_p1.png": (
        ("What is the grand total?", Decimal(5738)), ("Does the total add up?", "no"),
        ("How much is the sales tax?", Decimal("278.46")),
    ),
    "invoice_saeco.png": (("What is the total?", Decimal("49.99")), ("How much VAT?", Decimal("8.68"))),
    "photo_notext_coffee.png": (("What is the total?", None),),
    "receipt_synth_markitdown.png": (
        ("What is the total?", Decimal("821.14")), ("What is the subtotal?", Decimal("863.91")),
        ("How much tax?", Decimal("66.23")), ("Does the total add up?", "yes"), ("What was the tip?", None),
    ),
    "table_ca_warn.png": (
        ("What is the total?", Decimal(2434)), ("How many closures are there?", Decimal(12)),
        ("What is the fee?", None),
    ),
}  # fmt: skip


def questions(truth: Truth) -> Iterator[tuple[str, Expected]]:
    """Questions that the truth answers, and some that it does not."""
    if truth.kind in ("invoice", "receipt"):
        yield "What is the total?", truth.total
        yield "How much do I have to pay?", truth.total
        yield "How much tax was paid?", truth.figures.get("tax")
        yield "Which currency is it in?", truth.currency
        yield "What is the date?", None if truth.date is None else truth.date.isoformat()
        yield "How many line items are there?", None if truth.rows is None else Decimal(truth.rows)
        yield "What was the tip?", truth.figures.get("tip")
        yield "How much was the discount?", truth.figures.get("discount")
        yield "How much is shipping?", truth.figures.get("shipping")
    if "subtotal" in truth.figures:
        yield "What is the subtotal?", truth.figures["subtotal"]
    if truth.kind == "statement":
        yield "What is the closing balance?", truth.figures["closing_balance"]
        yield "What was the opening balance?", truth.figures["opening_balance"]
        yield "What is the overdraft limit?", None
    if truth.kind == "table":
        yield "How many rows are there?", None if truth.rows is None else Decimal(truth.rows)
    if truth.points:
        ranked = sorted(truth.points.items(), key=lambda item: item[1])
        yield f"What is the value for {ranked[0][0]}?", ranked[0][1]
        yield "Which bar is the highest?", ranked[-1][0]
        yield "What is the lowest value?", ranked[0][1]
        yield "What is the sum of all values?", sum(truth.points.values(), Decimal(0))
        yield f"How much more is {ranked[-1][0]} than {ranked[0][0]}?", ranked[-1][1] - ranked[0][1]
        yield "What is the value for Atlantis?", None
    if truth.kind == "dashboard":
        for name, value in truth.figures.items():
            yield f"What is the {name.lower()}?", value
    for question in _NEVER:
        yield question, None


def judged(expected: Expected, given: Answer | None) -> str:
    if given is None or given.verdict in ("not_found", "not_understood"):
        return "right" if expected is None else "silent"
    if isinstance(expected, Decimal):
        right = given.value is not None and (given.value == expected or -given.value == expected)
    else:
        right = expected is not None and expected.casefold() in given.text.casefold()
    if given.verdict == "answered":
        return "right" if right else "wrong"
    return "unverified" if right else "hedged"


async def main(count: int, kinds: list[str]) -> int:
    """Print rates by kind and author; the exit code tells whether nothing wrong was stated as fact."""
    reader, intake = RapidOcrVision(), PillowPictureReader()
    planner = EmbeddingPlanner(MiniLmEmbedder())
    rates: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    async def ask(kind: str, name: str, png: bytes, asked: list[tuple[str, Expected]]) -> None:
        document = await reader.describe((await intake.normalise(png))[0])
        for question, expected in asked:
            planned = await planner.plan(question, document)
            given = None
            if planned.plan is not None:
                steps = evaluate_steps(planned.plan, document)
                given = compiled_answer(planned.plan, steps, document, question)
            verdict = judged(expected, given)
            rates[kind, "nobody" if given is None else COMPILED][verdict] += 1
            if verdict != "right":
                said = planned.reason if given is None else given.text
                print(f"  {verdict:10} {name}: {question} expected {expected}, got {said}"[:220])

    try:
        for kind in kinds:
            for seed in range(count):
                drawn = draw(kind, seed)
                buffer = io.BytesIO()
                drawn.picture.save(buffer, "PNG")
                await ask(kind, f"{kind}/{seed}", buffer.getvalue(), list(questions(drawn.truth)))
        for name, asked in PICTURES.items():
            if (_IMAGES / name).is_file():
                data = await asyncio.to_thread((_IMAGES / name).read_bytes)
                await ask("pictures", name, data, [*asked, *((each, None) for each in _NEVER)])
    finally:
        await reader.close()
        await intake.close()
    print(f"{'kind':12}{'author':12}" + "".join(f"{name:>12}" for name in OUTCOMES))
    for (kind, author), counts in sorted(rates.items()):
        print(f"{kind:12}{author:12}" + "".join(f"{counts[name]:12}" for name in OUTCOMES))
    everything = sum(rates.values(), Counter())
    asked_in_all = sum(everything.values()) or 1
    print(f"{'all':24}" + "".join(f"{everything[name] / asked_in_all:12.1%}" for name in OUTCOMES))
    return 1 if everything["wrong"] else 0


if __name__ == "__main__":
    chosen = [kind for kind in sys.argv[2:] if kind in KINDS] or list(KINDS)
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, chosen)))
