"""Tables, bar charts, dashboards and pictures without text."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import numpy as np
from PIL import Image, ImageFilter

from bench.drawn.canvas import Canvas, Colour, families
from bench.drawn.languages import LANGUAGES
from bench.drawn.truth import Drawn, Truth

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug")
REGIONS = ("North", "South", "East", "West", "Central", "Islands", "Coast")
FILLS: tuple[Colour, ...] = ((76, 120, 168), (84, 162, 75), (228, 87, 86), (245, 133, 24), (120, 90, 170), (60, 60, 70))


def sales_table(chance: random.Random) -> Drawn:
    language = chance.choice(LANGUAGES)
    page = Canvas(chance.choice((760, 900, 1100)), 900, size=chance.choice((15, 18)), family=chance.choice(families()))
    left, right, line = 50.0, page.picture.width - 50.0, page.size * 1.9
    heads = ["Region", *chance.sample(("Q1", "Q2", "Q3", "Q4"), chance.randrange(1, 4)), "Units", "Revenue"]
    names = chance.sample(REGIONS, chance.randrange(3, 7))
    y = 30.0
    if chance.random() < 0.6:
        page.text(left, y, "Sales by region", bold=True, scale=1.4)
        y += line * 1.4
    edges = [left + (right - left) * (0.28 + 0.72 * i / (len(heads) - 1)) for i in range(len(heads))]
    style = chance.choice(("lines", "zebra", "plain", "grid"))
    page.text(left + 6, y, heads[0], bold=True)
    for x, head in zip(edges[1:], heads[1:], strict=True):
        page.text(x - 6, y, head, anchor="ra", bold=True)
    page.rule(left, right, y + line * 0.8, width=2)
    y += line
    sums = [Decimal(0)] * len(heads)
    for index, name in enumerate(names):
        if style == "zebra" and index % 2:
            page.box(left, y - 4, right, y + line - 6, (238, 241, 246))
        page.text(left + 6, y, name)
        for column, x in enumerate(edges[1:], start=1):
            value = (
                Decimal(chance.randrange(10, 900))
                if heads[column] == "Units"
                else Decimal(chance.randrange(10000, 9000000)) / 100
            )
            sums[column] += value
            page.text(x - 6, y, str(value) if heads[column] == "Units" else language.plain(value), anchor="ra")
        if style in ("lines", "grid"):
            page.rule(left, right, y + line * 0.8)
        y += line
    if style == "grid":
        for x in (left, *(edges[:-1]), right):
            page.draw.line((x, y - line * (len(names) + 1), x, y), fill=(120, 120, 120))
    if chance.random() < 0.5:
        page.rule(left, right, y - line * 0.15, width=2)
        page.text(left + 6, y, "Total", bold=True)
        for column, x in enumerate(edges[1:], start=1):
            page.text(
                x - 6,
                y,
                str(sums[column]) if heads[column] == "Units" else language.plain(sums[column]),
                anchor="ra",
                bold=True,
            )
        y += line
    return Drawn(page.cropped(y + line), Truth("table", rows=len(names), column=sums[-1]))


def bar_chart(chance: random.Random) -> Drawn:
    """Vertical or horizontal bars, with printed values or with an axis to measure them against."""
    names = chance.sample(chance.choice((MONTHS, REGIONS)), chance.randrange(3, 7))
    top = chance.choice((50, 100, 500, 2000))
    values = [Decimal(chance.randrange(top // 10, top)) for _ in names]
    printed = chance.random() < 0.6
    page = Canvas(
        chance.choice((560, 720, 900)),
        chance.choice((400, 520)),
        size=chance.choice((13, 15)),
        family=chance.choice(families()),
    )
    draw = _columns if chance.random() < 0.65 else _lying
    draw(page, chance, names, values, top, printed)
    return Drawn(page.picture, Truth("chart", points=dict(zip(names, values, strict=True))))


def _columns(
    page: Canvas, chance: random.Random, names: list[str], values: list[Decimal], top: int, printed: bool
) -> None:
    fill = chance.choice(FILLS)
    left, right, high, base = 70, page.picture.width - 30, 60, page.picture.height - 50
    page.text(left, 14, chance.choice(("Orders per month", "Visitors", "Revenue by region")), bold=True, scale=1.2)
    if not printed or chance.random() < 0.6:
        for step in range(6):
            y = base - (base - high) * step / 5
            page.rule(left, right, y, fill=(222, 222, 222))
            page.text(left - 8, y, str(top * step // 5), anchor="rm", fill=(80, 80, 80))
    page.rule(left, right, base, fill=(60, 60, 60))
    slot = (right - left) / len(names)
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        x0 = left + slot * index + slot * 0.18
        x1 = x0 + slot * 0.64
        y = base - (base - high) * float(value) / top
        page.draw.rectangle((round(x0), round(y), round(x1), base - 1), fill=fill)
        page.text((x0 + x1) / 2, base + 8, name, anchor="ma")
        if printed:
            page.text((x0 + x1) / 2, y - 4, str(value), anchor="md")


def _lying(
    page: Canvas, chance: random.Random, names: list[str], values: list[Decimal], top: int, printed: bool
) -> None:
    fill = chance.choice(FILLS)
    left, right, high, base = 110, page.picture.width - 70, 60, page.picture.height - 50
    page.text(left, 14, chance.choice(("Orders per month", "Visitors", "Tickets by region")), bold=True, scale=1.2)
    if not printed or chance.random() < 0.5:
        for step in range(6):
            x = left + (right - left) * step / 5
            page.draw.line((x, high, x, base), fill=(222, 222, 222))
            page.text(x, base + 8, str(top * step // 5), anchor="ma", fill=(80, 80, 80))
    slot = (base - high) / len(names)
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        y0 = high + slot * index + slot * 0.18
        x = left + (right - left) * float(value) / top
        page.draw.rectangle((left, round(y0), round(x), round(y0 + slot * 0.64)), fill=fill)
        page.text(left - 8, y0 + slot * 0.32, name, anchor="rm")
        if printed:
            page.text(x + 6, y0 + slot * 0.32, str(value), anchor="lm")


def dashboard(chance: random.Random) -> Drawn:
    """Cards: a caption and a large number, some with a change in percent below."""
    page = Canvas(1200, 420, size=16, family=chance.choice(families()), paper=(245, 246, 250))
    page.text(40, 30, "Dashboard", bold=True, scale=1.5)
    page.text(1160, 36, "Last 30 days", anchor="ra", fill=(110, 110, 110))
    cards = chance.sample(
        ("Revenue", "Active users", "Orders", "Refunds", "Conversion rate", "New customers"), chance.randrange(3, 5)
    )
    figures: dict[str, Decimal] = {}
    width = 1120 / len(cards)
    for index, caption in enumerate(cards):
        x = 40 + index * width
        page.box(x, 100, x + width - 24, 290, (255, 255, 255), radius=14)
        if caption in ("Revenue", "Refunds"):
            value = Decimal(chance.randrange(100000, 99999999)) / 100
            text = f"${value:,.2f}"
        elif caption == "Conversion rate":
            value = Decimal(chance.randrange(100, 900)) / 100
            text = f"{value}%"
        else:
            value = Decimal(chance.randrange(1000, 90000))
            text = f"{value:,}"
        page.text(x + 20, 122, caption, fill=(100, 100, 110))
        page.text(x + 20, 156, text, bold=True, scale=1.9)
        page.text(
            x + 20,
            230,
            f"+{chance.randrange(1, 30)}.{chance.randrange(0, 9)}% vs last month",
            scale=0.85,
            fill=(40, 140, 80),
        )
        figures[caption] = value
    return Drawn(page.picture, Truth("dashboard", figures=figures))


def gradient(chance: random.Random) -> Drawn:
    """Smooth colours and shapes, as in a photograph out of focus: no text."""
    state = np.random.default_rng(chance.randrange(2**32))
    height, width = 420, 620
    y, x = np.mgrid[0:height, 0:width]
    layers = [
        127
        + 120
        * np.sin(x / state.uniform(40, 160) + state.uniform(0, 6))
        * np.cos(y / state.uniform(40, 160) + state.uniform(0, 6))
        for _ in range(3)
    ]
    noisy = np.stack(layers, axis=2) + state.normal(0, 12, (height, width, 3))
    picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(chance.uniform(0.5, 3))
    )
    return Drawn(picture.rotate(math.degrees(chance.uniform(-0.2, 0.2))), Truth("photo"))
