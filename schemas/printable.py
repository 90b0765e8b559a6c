"""Which characters are text: neither orders to a terminal nor marks that make a page show other than it says."""

from __future__ import annotations

import re

# Orders to a terminal, NUL (no database takes it), halves of characters, and marks that turn text around; line ends
# and tabs may stay.
NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def only_text(text: str) -> str:
    """The text without characters that are none: a reader that finds them in a picture has read nothing there."""
    return NOT_TEXT.sub("", text)
