"""Cursors of pages that are ordered by a time and an id."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from schemas.errors import InvalidCursor


def write_cursor(time: datetime, name: str) -> str:
    text = json.dumps([time.isoformat(), name])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The place a cursor names. It holds no rights: a made-up one finds a place in the tenant's own list.

    Raises InvalidCursor for what `write_cursor` cannot have written.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        written, name = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
        time = datetime.fromisoformat(written)
        if time.tzinfo is None or not isinstance(name, str) or "\0" in name:
            raise ValueError("not what a page gives")
        time = time.astimezone(UTC)
        name.encode()
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise InvalidCursor("the cursor is not one that a page gave") from error
    return time, name
