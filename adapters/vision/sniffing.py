"""What a file is, by its first bytes: never by its name or the type a client claims."""

from __future__ import annotations

from typing import Literal

PictureFormat = Literal["PNG", "JPEG", "GIF", "WEBP"]

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document or SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x0a\x05", "a PCX picture"),
    (b"8BPS", "a Photoshop document"),
)


def picture_format(data: bytes) -> PictureFormat | None:
    """One of the four accepted formats, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def seems(data: bytes) -> str:
    """What an unaccepted file seems to be, in words that fit "This seems to be …"."""
    head = data[:64].lstrip().lower()
    for magic, name in _OTHERS:
        if data.startswith(magic) or (magic.isascii() and magic.startswith(b"<") and head.startswith(magic)):
            return name
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a video"
    if data[257:262] == b"ustar":
        return "a tar archive"
    printable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in data[:512])
    return "text" if data and printable > 0.95 * len(data[:512]) else "something else"
