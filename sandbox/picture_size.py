"""How large a picture says it is, from its header alone: a file of a few kilobytes can unfold into gigabytes."""

from __future__ import annotations

import struct

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
# Start of frame, of every process (ITU-T T.81, table B.1); C4, C8 and CC are other segments.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_UNTOLD = 0xFFFF  # a height of 0 means that it is told later


def pixels(data: bytes) -> int | None:
    """Width times height of a PNG or JPEG; None where there is no header that says so."""
    size = _png(data) if data.startswith(PNG) else _jpeg(data) if data.startswith(JPEG) else None
    return None if size is None else size[0] * size[1]


def _png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height or _UNTOLD
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
