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
    names = [folded(lane.name) for lane in lanes]
    kinds = [is_value_column(column, drafts, notation) for column in range(len(lanes))]
    for width in range(2, len(lanes) - 1):
        if names[width - 1] != names[-1] or not names[-1] or names[0] == names[width]:
            continue
        words_first = not kinds[0] and not kinds[width] and kinds[width - 1] and all(kinds[width + 1 :])
        # Halves of one shape, or lists of which one goes on where the other has ended.
        even = kinds[:width] == kinds[width:]
        if words_first and (even or any(not any(d.cells[:width]) or not any(d.cells[width:]) for d in drafts)):
            return [_half(lanes, drafts, slice(0, width), notation), _half(lanes, drafts, slice(width, None), notation)]
    return [(list(lanes), list(drafts))]


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
