"""Decodes one untrusted picture and encodes it anew. Runs in the picture process only: Pillow may crash on it."""

from __future__ import annotations

import io

from PIL import Image, ImageFile, ImageOps, PngImagePlugin

from adapters.vision.sniffing import picture_format, seems
from schemas.errors import PictureRefused

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 16
MAX_ASPECT = 60
# Larger pictures are scaled down to this when stored: text stays readable and encoding stays under the time limit.
STORED_PIXELS = 16_000_000

# Sizes are checked here before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
ImageFile.LOAD_TRUNCATED_IMAGES = False
PngImagePlugin.MAX_TEXT_CHUNK = 256 * 1024
PngImagePlugin.MAX_TEXT_MEMORY = 1024 * 1024


def check_bytes(data: bytes) -> None:
    """What can be told without decoding: empty, too large, not a picture. Raises PictureRefused."""
    if not data:
        raise PictureRefused("empty", "The file is empty.")
    if len(data) > MAX_BYTES:
        raise PictureRefused("too_large", f"The file has {len(data) / 1048576:.1f} MB; at most 20 MB are accepted.")
    if picture_format(data) is None:
        raise PictureRefused(
            "unsupported_type",
            f"This is not a PNG, JPEG, GIF or WEBP picture; it seems to be {seems(data)}.",
        )


def normalised(data: bytes) -> tuple[bytes, int, int]:
    """PNG bytes, width and height: first frame, upright, RGB on white, no metadata. Raises PictureRefused."""
    check_bytes(data)
    try:
        return _normalised(data)
    except PictureRefused:
        raise
    except ValueError as error:
        if "MAX_TEXT" in str(error) or "too large" in str(error).lower():
            raise PictureRefused("broken", "The picture carries far too much hidden text and is not read.") from error
        raise PictureRefused("broken", "The picture is damaged or incomplete and cannot be read.") from error
    except MemoryError as error:
        raise PictureRefused("too_many_pixels", "The picture needs more memory than is allowed.") from error
    except Exception as error:  # the decoder meets hostile bytes: whatever it raises says they are broken
        raise PictureRefused("broken", "The picture is damaged or incomplete and cannot be read.") from error


def _normalised(data: bytes) -> tuple[bytes, int, int]:
    kind = picture_format(data)
    assert kind is not None
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        check_size(*opened.size)
        if kind == "JPEG" and opened.width * opened.height > STORED_PIXELS:
            opened.draft("RGB", (opened.width // 2, opened.height // 2))
        opened.load()
        picture = _rgb(_upright(_within(opened)))
    pixels = picture.width * picture.height
    # A new image carries none of the old one's metadata.
    clean = Image.frombytes("RGB", picture.size, picture.tobytes())
    out = io.BytesIO()
    clean.save(out, "PNG", compress_level=4 if pixels < 3_000_000 else 1)
    return out.getvalue(), clean.width, clean.height


def _within(picture: Image.Image) -> Image.Image:
    """The picture, halved or thirded until it has no more pixels than are stored."""
    factor = 1
    while picture.width * picture.height > STORED_PIXELS * factor * factor:
        factor += 1
    if factor == 1:
        return picture
    if picture.mode in ("P", "1"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _rgb(picture)
    smaller = picture.reduce(factor)
    smaller.info = {key: value for key, value in picture.info.items() if key == "exif"}
    return smaller


def check_size(width: int, height: int) -> None:
    """Raises PictureRefused for sizes that are not looked at."""
    if width * height > MAX_PIXELS:
        raise PictureRefused(
            "too_many_pixels",
            f"The picture has {width} × {height} pixels ({width * height / 1e6:.0f} million); at most 50 million are "
            "accepted.",
        )
    if min(width, height) < MIN_SIDE:
        raise PictureRefused(
            "too_small", f"The picture has only {width} × {height} pixels; each side must have at least {MIN_SIDE}."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureRefused(
            "too_small", f"The picture is a strip of {width} × {height} pixels, too narrow to hold a document."
        )


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # damaged EXIF: the pixels are what counts
        return picture


def _rgb(picture: Image.Image) -> Image.Image:
    """RGB; transparency on white; 16-bit grey scaled to 8."""
    if picture.mode.startswith("I") or picture.mode == "F":
        grey = picture.convert("F") if picture.mode == "F" else picture.convert("I")
        _, high = grey.getextrema()
        scale = 255 / 65535 if isinstance(high, (int, float)) and high > 255 else 1.0
        return grey.point(lambda value: value * scale).convert("L").convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        white = Image.new("RGB", layered.size, (255, 255, 255))
        white.paste(layered, mask=layered.getchannel("A"))
        return white
    return picture.convert("RGB")
