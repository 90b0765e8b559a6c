"""`make eval`: the whole pipeline on documents with known truth, as a user runs it: over HTTP, every stage real.

    python -m bench.evaluate [COUNT] [KIND …]     COUNT drawn documents a kind (default 3), unseen seeds with --seed N

Per kind: how often total, currency and date are right, wrong or absent; how often the analysis completes; and how
often answers are right, unverified, silent, hedged or wrong (`bench/eval_questions.py` says what each means), by the
author of the code. The pictures of `../shared/data/images` are added where that folder is present.
`bench.eval_vision` and `bench.eval_questions` measure the parts alone, faster.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.documents import KINDS, draw
from bench.eval_questions import OUTCOMES, PICTURES, Expected, judged, questions
from bench.eval_vision import compared
from schemas.analyses import Answer
from vaultra.client import VaultraClient
from vaultra.commands.analyze import Picture, analyze_one
from vaultra.serving import serving
from vaultra.settings import Settings

_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
FIELDS = ("total", "currency", "date")


@dataclass(frozen=True, slots=True)
class Case:
    """A picture with its questions; `truth` holds the fields that are known, by name."""

    kind: str
    name: str
    png: bytes
    truth: dict[str, object]
    asked: list[tuple[str, Expected]]


def drawn_cases(kinds: list[str], count: int, seed: int) -> Iterator[Case]:
    for kind in kinds:
        for number in range(seed, seed + count):
            made = draw(kind, number)
            out = io.BytesIO()
            made.picture.save(out, "PNG")
            known = {name: getattr(made.truth, name) for name in FIELDS}
            if kind not in ("invoice", "receipt", "photo"):
                known = {"currency": known["currency"]} if known["currency"] else {}
            yield Case(kind, f"{kind}/{number}", out.getvalue(), known, list(questions(made.truth)))


def given_cases() -> Iterator[Case]:
    if not _IMAGES.is_dir():
        return
    for name, truth in json.loads((_IMAGES / "ground_truth.json").read_text()).items():
        total = truth.get("total", truth.get("printed_grand_total"))
        known: dict[str, object] = {} if total is None else {"total": Decimal(total.replace(",", ""))}
        if "currency" in truth:
            known["currency"] = truth["currency"]
        asked = list(PICTURES.get(name, ())) or [("What is the total?", None)]
        yield Case("pictures", name, (_IMAGES / name).read_bytes(), known, asked)


async def evaluate(cases: list[Case], console: Console) -> int:
    """Run every question of every case; 1 when anything wrong was stated as fact."""
    fields: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    completed: dict[str, Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory(prefix="vaultra-eval-", dir=Path.cwd() / ".cache") as folder:
        settings = Settings(data_dir=Path(folder), port=0)
        async with serving(settings) as (_, url), VaultraClient(url) as client:
            with Progress(console=console, transient=True) as progress:
                task = progress.add_task("asking", total=sum(len(case.asked) for case in cases))
                for case in cases:
                    for position, (question, expected) in enumerate(case.asked):
                        picture = Picture(case.name, case.png, question)
                        report, _ = await analyze_one(client, picture, business_id=None, console=None)
                        completed[case.kind][str(report["status"])] += 1
                        if position == 0:
                            count_fields(case, report, fields)
                        count_answer(case, question, expected, report, answers, console)
                        progress.advance(task)
    show(console, fields, completed, answers)
    return 1 if sum(answers.values(), Counter())["wrong"] else 0


def count_fields(case: Case, report: dict[str, Any], fields: dict[tuple[str, str], Counter[str]]) -> None:
    document = report["document"] or {}
    for name, expected in case.truth.items():
        found = document.get(name)
        if name == "total" and found is not None:
            found = Decimal(found)
        fields[case.kind, name][compared(found, str(expected) if name == "date" and expected else expected)] += 1


def count_answer(
    case: Case,
    question: str,
    expected: Expected,
    report: dict[str, Any],
    answers: dict[tuple[str, str], Counter[str]],
    console: Console,
) -> None:
    answer = Answer.model_validate(report["answer"]) if report["answer"] else None
    verdict = judged(expected, answer)
    answers[case.kind, report["author"] or "nobody"][verdict] += 1
    if verdict not in ("right", "unverified"):
        said = answer.text if answer else (report["failure"] or report["refusal"])
        console.print(
            f"  {verdict:10} {case.name}: {question} expected {expected}, got {said}"[:230], style="dim", markup=False
        )


def show(
    console: Console,
    fields: dict[tuple[str, str], Counter[str]],
    completed: dict[str, Counter[str]],
    answers: dict[tuple[str, str], Counter[str]],
) -> None:
    table = Table("kind", "field", "right", "wrong", "absent", title="What was read")
    for (kind, name), counts in sorted(fields.items()):
        table.add_row(kind, name, *(str(counts[verdict]) for verdict in ("right", "wrong", "absent")))
    console.print(table)
    table = Table("kind", "analyses", "completed", title="What ended how")
    for kind, counts in sorted(completed.items()):
        table.add_row(kind, str(counts.total()), str(counts["completed"]))
    console.print(table)
    table = Table("kind", "author", *OUTCOMES, title="What was answered")
    for (kind, author), counts in sorted(answers.items()):
        table.add_row(kind, author, *(str(counts[outcome]) for outcome in OUTCOMES))
    everything = sum(answers.values(), Counter())
    total = everything.total() or 1
    table.add_row("all", "", *(f"{everything[outcome] / total:.1%}" for outcome in OUTCOMES), style="bold")
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how often figures and answers are right.")
    parser.add_argument("count", nargs="?", type=int, default=3, help="drawn documents a kind")
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}, pictures; all without")
    parser.add_argument("--seed", type=int, default=0, help="first seed of the drawn documents")
    options = parser.parse_args()
    kinds = options.kinds or [*KINDS, "pictures"]
    unknown = set(kinds) - {*KINDS, "pictures"}
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    cases = list(drawn_cases([kind for kind in kinds if kind in KINDS], options.count, options.seed))
    if "pictures" in kinds:
        cases += given_cases()
    Path(".cache").mkdir(exist_ok=True)
    return asyncio.run(evaluate(cases, Console(width=None if sys.stdout.isatty() else 160)))


if __name__ == "__main__":
    sys.exit(main())
