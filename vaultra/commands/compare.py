"""`vaultra compare`: two versions of the score, or of one figure, over the same history of every business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from adapters.ports import KnownBusiness
from adapters.reference.tables import load_reference
from processors.measuring.bookkeeping import KINDS, books_of_known, described
from processors.measuring.snapshot import definitions, snapshot
from processors.scoring.factors import SCORECARDS
from processors.scoring.score import score
from projections.businesses import PostgresBusinessReader
from projections.ledger_reads import PostgresLedgerReader
from schemas.errors import SetupError
from schemas.metrics import MetricsComputed
from schemas.scores import ScoreComputed


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: the score, or a figure by name, in two versions."""

    name: str
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A business on which two versions disagree, and what makes the difference."""

    business_id: str
    left: Decimal | None
    right: Decimal | None
    why: tuple[str, ...]


def parse_subject(left: str, right: str) -> Subject:
    """`score@1` and `score@2`, or `volatility@1` and `volatility@2`. Raises SetupError for anything else."""
    names = [text.partition("@") for text in (left, right)]
    if names[0][0] != names[1][0] or not all(version.isdigit() for _, _, version in names):
        raise SetupError("compare two versions of one thing: score@1 score@2, or volatility@1 volatility@2")
    subject = Subject(names[0][0], int(names[0][2]), int(names[1][2]))
    if subject.name == "score":
        missing = {subject.left, subject.right} - SCORECARDS.keys()
        if missing:
            raise SetupError(f"there is no version {min(missing)} of the score, only {', '.join(map(str, SCORECARDS))}")
    else:
        for version in (subject.left, subject.right):
            definitions({subject.name: version})
    return subject


async def compare(db: Any, subject: Subject, console: Console, *, as_json: bool, tenant: str | None = None) -> int:
    """Compute both versions for every business (of a tenant), list those that differ and why; 0 whatever is found."""
    reader = PostgresBusinessReader(db, PostgresLedgerReader(db))
    listed = await db.fetch(
        "SELECT tenant, business FROM read.ledger_standing WHERE $1::text IS NULL OR tenant = $1 "
        "ORDER BY tenant, business",
        tenant,
    )
    differences = []
    for row in listed:
        known = await reader.read(row["tenant"], row["business"], KINDS)
        found = None if known is None else difference(row["business"], known, subject)
        if found is not None:
            differences.append(found)
    if as_json:
        print(json.dumps({"businesses": len(listed), "different": [_as_json(one) for one in differences]}))
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("business", f"{subject.name}@{subject.left}", f"{subject.name}@{subject.right}", "why"):
        table.add_column(name, overflow="fold")
    for one in differences:
        table.add_row(one.business_id, _text(one.left), _text(one.right), "; ".join(one.why))
    if differences:
        console.print(table)
    console.print(f"businesses that differ: {len(differences)} of {len(listed)}", highlight=False)
    return 0


def difference(business_id: str, known: KnownBusiness, subject: Subject) -> Difference | None:
    """What two versions make of one business; None where they agree. Pure."""
    sides = [_computed(business_id, known, subject, version) for version in (subject.left, subject.right)]
    (left, left_score), (right, right_score) = sides
    if subject.name != "score":
        values = [side.figure(subject.name) for side in (left, right)]
        if values[0].value == values[1].value:
            return None
        why = tuple(
            f"version {figure.definition_version}: {figure.unknown or figure.note or 'as defined'}" for figure in values
        )
        return Difference(business_id, values[0].value, values[1].value, why)
    if left_score.score == right_score.score:
        return None
    return Difference(business_id, left_score.score, right_score.score, tuple(_reasons(left_score, right_score)))


def _computed(
    business_id: str, known: KnownBusiness, subject: Subject, version: int
) -> tuple[MetricsComputed, ScoreComputed]:
    books = books_of_known(business_id, known)
    of_score = version if subject.name == "score" else 1
    versions = SCORECARDS[of_score].figures if subject.name == "score" else {subject.name: version}
    as_of = described(books, known.closed_through)
    figures = snapshot(books, load_reference(), as_of=as_of, known_at=known.known_at, versions=versions)
    return figures, score(figures, version=of_score)


def _reasons(left: ScoreComputed, right: ScoreComputed) -> list[str]:
    """The factors whose points differ, with the values they were given for."""
    before = {factor.name: factor for factor in left.factors}
    after = {factor.name: factor for factor in right.factors}
    found = []
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            found.append(f"{name} counts in one of them only")
        elif one.points != other.points:
            found.append(f"{name} {_text(one.value)} → {_text(other.value)}: {one.points} → {other.points} points")
    if left.capped_by != right.capped_by:
        found.append(f"caps take {left.capped_by} → {right.capped_by}")
    return found or [left.unscored or right.unscored or "the same factors"]


def _text(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:f}"


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "business_id": one.business_id,
        "left": None if one.left is None else f"{one.left:f}",
        "right": None if one.right is None else f"{one.right:f}",
        "why": list(one.why),
    }
