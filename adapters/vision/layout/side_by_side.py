"""Two tables printed beside each other under one line of headers, as payslips have them: told apart here."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.vision.layout.columns import Lane
from adapters.vision.layout.drafts import Draft, is_value_column, says_total
from adapters.vision.layout.lexicon import folded
from adapters.vision.layout.notation import Notation


def apart(lanes: Sequence[Lane], drafts: Sequence[Draft], notation: Notation) -> list[tuple[list[Lane], list[Draft]]]:
    """The tables under these headers: two where a header comes twice and both halves are words, then values.

    A row is a sum only by the words of its own half: `Bonus` beside `Pension` is none.
    """
    whole = [(list(lanes), list(drafts))]
    width = len(lanes) // 2
    names = [folded(lane.name) for lane in lanes]
    if len(lanes) % 2 or width < 2 or names[width - 1] != names[-1] or not names[-1] or names[0] == names[width]:
        return whole
    kinds = [is_value_column(column, drafts, notation) for column in range(len(lanes))]
    if kinds[:width] != kinds[width:] or kinds[0] or not kinds[width - 1]:
        return whole
    return [_half(lanes, drafts, slice(0, width), notation), _half(lanes, drafts, slice(width, None), notation)]


def _half(
    lanes: Sequence[Lane], drafts: Sequence[Draft], part: slice, notation: Notation
) -> tuple[list[Lane], list[Draft]]:
    rows = []
    for draft in drafts:
        cells = draft.cells[part]
        # A label of one half with a number of the other belongs to neither: it is told on a line of its own.
        if cells[0] and any(cells[1:]):
            summary = says_total(cells[0], notation, roles=("total", "subtotal", "amount_due"))
            rows.append(Draft(cells, draft.index, summary=summary, extra=draft.extra))
    return list(lanes[part]), rows
