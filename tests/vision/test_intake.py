"""Uploads: every hostile file ends refused with a reason, or is read; none hangs, crashes or takes a gigabyte."""

from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path
from typing import get_args

import psutil
import pytest
from PIL import Image, PngImagePlugin

from adapters.vision.decoding import MAX_BYTES, STORED_PIXELS
from adapters.vision.intake import PillowPictureReader
from adapters.vision.worker import PictureWorker
from schemas.documents import RefusalCode
from schemas.errors import PictureRefused
from tests.vision.slow_child import PATIENT

HOSTILE = Path(__file__).parents[2].parent / "shared" / "data" / "hostile"


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def with_text_bomb() -> bytes:
    plain = encoded(Image.new("RGB", (40, 40), "white"), "PNG")
    bomb = b"Comment\0\0" + zlib.compress(b"A" * 50_000_000, 9)
    return plain[:33] + chunk(b"zTXt", bomb) + plain[33:]


def animated(kind: str, frames: int) -> bytes:
    pictures = [Image.new("RGB", (64, 48), (index % 256, 80, 200)) for index in range(frames)]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:])


async def refused(reader: PillowPictureReader, data: bytes) -> str:
    with pytest.raises(PictureRefused) as caught:
        await reader.normalise(data)
    assert caught.value.code in get_args(RefusalCode)
    assert len(str(caught.value)) > 10
    return caught.value.code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xff", "unsupported_type", id="one byte"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type", id="svg"),
        pytest.param(b"%PDF-1.7 ...", "unsupported_type", id="pdf"),
        pytest.param(b"PK\x03\x04" + b"\0" * 100, "unsupported_type", id="zip"),
        pytest.param(b"II*\x00" + b"\0" * 100, "unsupported_type", id="tiff"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "broken", id="png signature alone"),
        pytest.param(b"\xff\xd8\xff\xe0" + b"\0" * 50, "broken", id="jpeg signature alone"),
        pytest.param(b"GIF89a" + b"\xff" * 30, "broken", id="gif of noise"),
        pytest.param(
            b"GIF89a\xff\x7f\xff\x7f\x00\x00\x00,\0\0\0\0\xff\x7f\xff\x7f\0\2\0;", "too_many_pixels", id="gif bomb"
        ),
        pytest.param(b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 20, "broken", id="webp of nothing"),
        pytest.param(png_claiming(30_000, 30_000), "too_many_pixels", id="bomb"),
        pytest.param(png_claiming(200, 200), "broken", id="too little data"),
        pytest.param(png_claiming(20_000, 4), "too_small", id="strip"),
        pytest.param(png_claiming(8, 8), "too_small", id="speck"),
        pytest.param(png_claiming(16 * 100, 16), "too_small", id="ribbon"),
        pytest.param(with_text_bomb(), "broken", id="text bomb"),
        pytest.param(encoded(Image.new("RGB", (300, 300), "red"), "JPEG")[:700], "broken", id="half a jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * (MAX_BYTES + 1), "too_large", id="too large"),
    ],
)
async def test_upload_is_refused_with_its_code_when_it_is_no_sound_picture(
    pillow: PillowPictureReader, data: bytes, code: str
) -> None:
    assert await refused(pillow, data) == code


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(Image.new("I;16", (60, 40), 40_000), "PNG"), id="16 bit"),
        pytest.param(encoded(Image.new("P", (60, 40)), "PNG", transparency=0), id="palette with transparency"),
        pytest.param(encoded(Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "PNG"), id="alpha"),
        pytest.param(encoded(Image.new("LA", (60, 40), (0, 0)), "PNG"), id="grey with alpha"),
        pytest.param(encoded(Image.new("1", (60, 40), 1), "PNG"), id="one bit"),
        pytest.param(encoded(Image.new("CMYK", (60, 40), (0, 0, 0, 0)), "JPEG"), id="cmyk"),
        pytest.param(encoded(Image.new("RGB", (60, 40), "white"), "WEBP"), id="webp"),
        pytest.param(encoded(Image.new("RGB", (60, 40), "white"), "GIF"), id="gif"),
    ],
)
async def test_picture_becomes_plain_rgb_when_it_is_of_another_mode(pillow: PillowPictureReader, data: bytes) -> None:
    png, width, height = await pillow.normalise(data)
    with Image.open(io.BytesIO(png)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (60, 40))
        assert (width, height) == (60, 40)


async def test_transparency_becomes_white_when_the_picture_has_it(pillow: PillowPictureReader) -> None:
    png, _, _ = await pillow.normalise(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "PNG"))
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_first_frame_is_taken_when_the_picture_moves(pillow: PillowPictureReader, kind: str) -> None:
    png, width, height = await pillow.normalise(animated(kind, 30))
    assert (width, height) == (64, 48)
    with Image.open(io.BytesIO(png)) as picture:
        assert getattr(picture, "n_frames", 1) == 1
        red, _, _ = picture.getpixel((5, 5))
        assert red < 12


async def test_orientation_is_applied_and_metadata_dropped_when_there_is_exif(pillow: PillowPictureReader) -> None:
    picture = Image.new("RGB", (80, 40), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera that tells"
    png, width, height = await pillow.normalise(encoded(picture, "JPEG", exif=exif, comment=b"secret place"))
    assert (width, height) == (40, 80)
    assert b"camera" not in png
    assert b"secret" not in png
    with Image.open(io.BytesIO(png)) as upright:
        assert not upright.getexif()


async def test_text_chunks_are_dropped_when_a_png_has_them(pillow: PillowPictureReader) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "somebody")
    png, _, _ = await pillow.normalise(encoded(Image.new("RGB", (40, 40)), "PNG", pnginfo=info))
    assert b"somebody" not in png


async def test_bytes_behind_the_picture_are_dropped_when_it_is_two_files_in_one(pillow: PillowPictureReader) -> None:
    png, _, _ = await pillow.normalise(encoded(Image.new("RGB", (40, 40)), "JPEG") + b"PK\x03\x04 hidden archive")
    assert b"hidden" not in png


async def test_large_picture_is_stored_smaller_when_it_is_within_the_limits(pillow: PillowPictureReader) -> None:
    started = time.monotonic()
    _, width, height = await pillow.normalise(encoded(Image.new("L", (7000, 7000), 200), "PNG", compress_level=1))
    assert width * height <= STORED_PIXELS
    assert time.monotonic() - started < 10


async def test_same_bytes_come_out_when_a_picture_is_normalised_twice(pillow: PillowPictureReader) -> None:
    data = encoded(Image.new("RGB", (90, 60), "teal"), "PNG")
    assert await pillow.normalise(data) == await pillow.normalise(data)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="../shared/data/hostile is not here")
async def test_every_hostile_file_is_refused_or_read_when_uploaded(pillow: PillowPictureReader) -> None:
    codes: dict[str, str] = {}
    for path in sorted(HOSTILE.iterdir()):
        started = time.monotonic()
        try:
            png, width, height = await pillow.normalise(path.read_bytes())
        except PictureRefused as refusal:
            codes[path.name] = refusal.code
        else:
            with Image.open(io.BytesIO(png)) as picture:
                assert (picture.mode, picture.size) == ("RGB", (width, height)), path.name
        assert time.monotonic() - started < 4, path.name  # two seconds on an idle machine
    assert set(codes.values()) <= set(get_args(RefusalCode)) - {"too_slow"}
    assert pillow.pid is not None
    assert psutil.Process(pillow.pid).memory_info().rss < 512 * 1024**2


@pytest.mark.parametrize(("data", "code"), [(PATIENT, "too_slow"), (b"\xff\xd8\xff crash", "broken")])
async def test_upload_is_refused_when_the_decoder_runs_out_of_time_or_crashes(data: bytes, code: str) -> None:
    reader = PillowPictureReader(PictureWorker("tests.vision.slow_child"))
    try:
        assert await refused(reader, data) == code
    finally:
        await reader.close()
