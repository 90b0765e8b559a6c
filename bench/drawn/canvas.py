"""A page to draw on, fonts where there are some, and the wear of scans and photographs."""

from __future__ import annotations

import io
import os
import random
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
BLACK: Colour = (20, 20, 20)
_FONT_FOLDERS = (
    *os.environ.get("BENCH_FONTS", "").split(":"),
    "/usr/share/fonts/truetype",
    "/usr/share/fonts/opentype",
)


@lru_cache(maxsize=1)
def families() -> tuple[tuple[str | None, str | None], ...]:
    """(regular, bold) font files found on this machine; (None, None), Pillow's own font, where there are none."""
    found: list[tuple[str | None, str | None]] = []
    for folder in _FONT_FOLDERS:
        if not folder:
            continue
        for regular in sorted(Path(folder).rglob("*.[to]tf")):
            stem = regular.stem
            if stem.endswith("Regular") or stem in (
                "DejaVuSans",
                "DejaVuSerif",
                "DejaVuSansMono",
                "DejaVuSansCondensed",
            ):
                bold = stem.removesuffix("Regular") + "Bold" if stem.endswith("Regular") else stem + "-Bold"
                if stem == "DejaVuSansCondensed":
                    bold = "DejaVuSansCondensed-Bold"
                path = regular.with_name(bold + regular.suffix)
                if path.exists() and _writes_latin(regular) and _writes_latin(path):
                    found.append((str(regular), str(path)))
    return tuple(found) or ((None, None),)


def _writes_latin(path: Path) -> bool:
    """Fonts of other scripts and of symbols draw boxes for letters."""
    face = ImageFont.truetype(str(path), 20)
    nothing = bytes(face.getmask("\uffff"))
    return all(bytes(face.getmask(letter)) != nothing for letter in "Aaz09$€é")


@lru_cache(maxsize=256)
def font(path: str | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


class Canvas:
    """A white page; `size` is the font size of plain text."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        size: int,
        family: tuple[str | None, str | None],
        paper: Colour = (255, 255, 255),
    ) -> None:
        self.picture = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.picture)
        self.size = size
        self.family = family

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "la",
        bold: bool = False,
        scale: float = 1.0,
        fill: Colour = BLACK,
    ) -> float:
        """Draw and return the text's width."""
        face = font(self.family[bold], max(8, round(self.size * scale)))
        self.draw.text((x, y), text, font=face, fill=fill, anchor=anchor)
        return self.width(text, bold=bold, scale=scale)

    def width(self, text: str, *, bold: bool = False, scale: float = 1.0) -> float:
        return font(self.family[bold], max(8, round(self.size * scale))).getlength(text)

    def rule(self, x0: float, x1: float, y: float, *, fill: Colour = (120, 120, 120), width: int = 1) -> None:
        self.draw.line((x0, y, x1, y), fill=fill, width=width)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, *, radius: int = 0) -> None:
        self.draw.rounded_rectangle((x0, y0, x1, y1), radius=radius, fill=fill)

    def cropped(self, height: float) -> Image.Image:
        return self.picture.crop((0, 0, self.picture.width, min(self.picture.height, round(height))))


def worn(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The picture after a mild accident: none, noise, blur, a slight turn, JPEG, less contrast, another size."""
    for _ in range(chance.choice((0, 1, 1, 2))):
        match chance.choice(("noise", "blur", "turn", "jpeg", "pale", "size")):
            case "noise":
                state = np.random.default_rng(chance.randrange(2**32))
                noisy = np.asarray(picture, dtype=np.float32) + state.normal(
                    0, chance.uniform(3, 9), (picture.height, picture.width, 1)
                )
                picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
            case "blur":
                picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.7)))
            case "turn":
                angle = chance.choice((-1, 1)) * chance.uniform(0.3, 1.8)
                picture = picture.rotate(
                    angle, Image.Resampling.BICUBIC, expand=True, fillcolor=picture.getpixel((2, 2))
                )
            case "jpeg":
                out = io.BytesIO()
                picture.save(out, "JPEG", quality=chance.randrange(45, 85))
                picture = Image.open(out).convert("RGB")
            case "pale":
                low = chance.randrange(40, 110)
                picture = picture.point([low + value * (245 - low) // 255 for value in range(256)] * 3)
            case "size":
                scale = chance.uniform(0.8, 1.6)
                picture = picture.resize(
                    (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
                )
    return picture
