"""Stand-ins for the parts of the API that are slow, remote, or have to fail on demand."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence

from adapters.ports import BlobStore, PictureReader
from schemas.base import BlobRef
from schemas.errors import NotFound, PictureRefused, Unavailable
from schemas.wire import Message
from streams.log import Advance, Appended, TopicPartition
from streams.memory_log import MemoryEventLog


def png(width: int = 4, height: int = 3, shade: int = 200) -> bytes:
    """A small true PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + bytes([shade]) * width * 3) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class SignaturePictureReader(PictureReader):
    """Takes what begins like a PNG as it is. `refuse` makes it refuse everything, as a reader out of time would."""

    def __init__(self) -> None:
        self.refuse: PictureRefused | None = None
        self.calls = 0

    async def normalise(self, data: bytes) -> tuple[bytes, int, int]:
        self.calls += 1
        if self.refuse is not None:
            raise self.refuse
        if not data:
            raise PictureRefused("empty", "The file is empty.")
        if len(data) > 20 * 1024**2:
            raise PictureRefused("too_large", "The file is larger than 20 MB.")
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise PictureRefused("unsupported_type", "The file is no PNG, JPEG, GIF or WEBP picture.")
        width, height = struct.unpack(">II", data[16:24])
        return data, width, height


class MemoryBlobStore(BlobStore):
    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.gone = False

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        if self.gone:
            raise Unavailable("disk /srv/secret-path is full")
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256] = data
        return BlobRef(sha256=sha256, size=len(data), media_type=media_type)

    async def get(self, ref: BlobRef) -> bytes:
        if self.gone:
            raise Unavailable("disk /srv/secret-path does not answer")
        if ref.sha256 not in self.blobs:
            raise NotFound(ref.sha256)
        return self.blobs[ref.sha256]

    async def healthy(self) -> bool:
        return not self.gone


class FailingLog(MemoryEventLog):
    """A log that can go away: before an append, or after it was written and before it was acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = False
        self.lose_acknowledgement = False
        self.reads_of_uploads = 0

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        if self.gone:
            raise Unavailable("connection to 10.0.0.7 refused")
        appended = await super().append(messages, advance=advance)
        if self.lose_acknowledgement:
            raise Unavailable("connection to 10.0.0.7 lost")
        return appended

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        if "uploads" in topics:
            self.reads_of_uploads += 1
        return await super().latest(topics)

    async def healthy(self) -> bool:
        return not self.gone

    def stored(self) -> Sequence[Mapping[str, str]]:
        """The attributes of every upload that stands on the log."""
        return [record.attributes for place in self._records for record in self._records[place]]
