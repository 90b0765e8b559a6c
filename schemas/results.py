"""What a program writes to `result.json`: its claim about the answer, parsed as hostile input."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from schemas.base import Amount, Value
from schemas.errors import InvalidResult
from schemas.printable import NOT_TEXT

MAX_BYTES = 256 * 1024


def _number_not_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


def _sane(value: Decimal) -> Decimal:
    """Refuse NaN, infinities and magnitudes that no document states but that take memory to print."""
    if not value.is_finite() or abs(value.adjusted()) > 30 or len(value.as_tuple().digits) > 60:
        raise ValueError("not a number of a sane size")
    return value


def _printable(text: str) -> str:
    if NOT_TEXT.search(text):
        raise ValueError("holds control characters")
    return text


Number = Annotated[Amount, BeforeValidator(_number_not_flag), AfterValidator(_sane)]
Printable = AfterValidator(_printable)
Label = Annotated[str, Field(max_length=400), Printable]
Index = Annotated[int, Field(ge=0, le=100_000)]


class FigureRef(Value):
    """A figure of the document, by index."""

    kind: Literal["figure"] = "figure"
    figure: Index


class CellRef(Value):
    """A cell of the document, by index; `summary` counts in the table's summary rows."""

    kind: Literal["cell"] = "cell"
    table: Index
    row: Index
    column: Index
    summary: bool = False


class LineRef(Value):
    """A text line of the document, by index."""

    kind: Literal["line"] = "line"
    line: Index


Ref = Annotated[FigureRef | CellRef | LineRef, Field(discriminator="kind")]


class Check(Value):
    """Something that should hold. `expected` is what arithmetic gives, `found` what is printed."""

    name: Label
    ok: bool
    expected: Number | None = None
    found: Number | None = None


class ResultRow(Value):
    """One named number of a listing."""

    label: Label
    value: Number | None = None


class Result(Value):
    """A program's claim. `value` with its `unit` (as in `Figure`) where the answer is a number, `text` where it is
    words (with both, the text names what the number belongs to), `rows` where it is a listing."""

    kind: Literal["number", "text", "rows", "checks", "nothing"]
    value: Number | None = None
    unit: Annotated[str, Field(max_length=40), Printable] | None = None
    text: Annotated[str, Field(max_length=4000), Printable] | None = None
    rows: Annotated[tuple[ResultRow, ...], Field(max_length=500)] = ()
    used: Annotated[tuple[Ref, ...], Field(max_length=5000)] = ()
    checks: Annotated[tuple[Check, ...], Field(max_length=500)] = ()


def parse_result(text: str | None) -> Result:
    """The result a program wrote. Raises InvalidResult with a sentence for people and for the code's author."""
    if text is None:
        raise InvalidResult("the program wrote no result.json")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidResult(f"result.json is larger than {MAX_BYTES // 1024} KiB")
    try:
        data = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidResult(f"result.json is not JSON: {str(error)[:200]}") from error
    try:
        return Result.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise InvalidResult(f"result.json is not a result: {place}: {first['msg']}") from error


def _refuse_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not a number")
