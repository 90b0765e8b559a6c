"""`vaultra business`: the businesses, and one's readiness as a person would want to read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from processors.measuring.words import spoken
from schemas.money import to_major
from vaultra.client import VaultraClient

_BARS = "▁▂▃▄▅▆▇█"
_COLOURS = {"ready": "green", "near": "yellow", "building": "red", "unscored": "blue"}
# The figures worth a line, as they are called for people.
_SHOWN = (
    ("net_revenue", "net, last month"),
    ("average_net", "net a month, 3 months"),
    ("mrr_now", "recurring a month"),
    ("nrr", "net revenue retention"),
    ("dispute_activity_worst", "disputes, worst of 3 months"),
    ("refund_rate", "refunded"),
    ("payout_reliability", "payouts that arrived"),
    ("top1_share", "largest customer"),
    ("runway", "runway"),
    ("dscr", "debt service coverage"),
)


async def list_businesses(client: VaultraClient, console: Console, *, as_json: bool) -> int:
    """Every business with its newest score."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = await client.get("/v1/businesses", after=after, limit="200")
        found += page["businesses"]
        after = page["after"]
        if after is None:
            break
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("business", "name", "score", "band", "confidence", "as of", ""):
        table.add_column(name, justify="right" if name == "score" else "left", no_wrap=True)
    for one in found:
        band = one["band"] or "not yet"
        table.add_row(
            one["business_id"],
            one["name"] or one["account"] or "your own account",
            _whole(one["score"]),
            Text(band, _COLOURS.get(band, "dim")),
            _confidence(one) or one["confidence"],
            (one["as_of"] or "")[:10],
            "" if one["livemode"] else "test mode",
        )
    console.print(table if found else "No business yet: send webhooks, or vaultra stripe import FILE.")
    if any(one["band"] is None for one in found):
        console.print("[dim]not yet: figures and scores are computed while `vaultra up` runs[/dim]", highlight=False)
    return 0


async def show_business(
    client: VaultraClient, business_id: str, console: Console, *, as_json: bool, times: dict[str, str | None]
) -> int:
    """One business: score, reasons, figures, advice. `times` are `as_of` and `known_at`."""
    path = f"/v1/businesses/{business_id}"
    detail = await client.get(path)
    score = await client.get(f"{path}/readiness", **times)
    metrics = await client.get(f"{path}/metrics", **times)
    advice = await client.get(f"{path}/recommendations", **times)
    if as_json:
        whole = {"business": detail, "readiness": score, "metrics": metrics, "recommendations": advice}
        print(json.dumps(whole, ensure_ascii=False))
        return 0
    render(console, detail, score, metrics, advice)
    return 0


async def declare(client: VaultraClient, business_id: str, declared: dict[str, Any], console: Console) -> int:
    """Put a declaration on the log."""
    recorded = await client.put(f"/v1/businesses/{business_id}/declarations", declared)
    console.print(f"declared as event {recorded['event_id']}; figures follow in a moment", highlight=False)
    return 0


def render(
    console: Console, detail: dict[str, Any], score: dict[str, Any], metrics: dict[str, Any], advice: dict[str, Any]
) -> None:
    """A business on one screen."""
    band = score["band"]
    name = detail["name"] or detail["account"] or detail["business_id"]
    mode = "" if detail["livemode"] else " · test mode"
    console.print(Text.assemble((str(name), "bold"), (f"  {detail['business_id']}{mode}", "dim")))
    head = Text("  readiness ")
    if score["score"] is not None:
        head.append(_whole(score["score"]), f"bold {_COLOURS[band]}").append(" of 100, ")
    head.append(band, _COLOURS[band])
    if unsure := _confidence(score):
        head.append(f"  ({unsure} confidence)", "dim")
    head.append(f"  as of {score['as_of'][:10]}, known {score['known_at'][:16].replace('T', ' ')} UTC", "dim")
    console.print(head)
    if score["unscored"]:
        console.print(f"  {score['unscored']}")
    _revenue(console, metrics)
    _reasons(console, score)
    _figures(console, metrics)
    _advice(console, advice)
    for note in score["notes"]:
        console.print(Text(f"  {note}", "dim"))


def _confidence(scored: dict[str, Any]) -> str:
    """`52 to 70, low`, nothing where a score is sure; a cap may leave no range, and little is known all the same."""
    if scored["score"] is None or scored["confidence"] != "low":
        return ""
    return "low" if scored["low"] == scored["high"] else f"{_whole(scored['low'])} to {_whole(scored['high'])}, low"


def sparkline(values: Sequence[Decimal]) -> str:
    """Values as bars, from zero or the least value to the greatest."""
    if not values:
        return ""
    low, high = min(Decimal(0), *values), max(values)
    span = high - low
    return "".join(_BARS[int((value - low) * 7 / span)] if span else _BARS[0] for value in values)


def _revenue(console: Console, metrics: dict[str, Any]) -> None:
    months = metrics["months"]
    values = [_value(month["figures"], "net_revenue") for month in months]
    known = [value for value in values if value is not None]
    if known:
        span = f"{months[0]['month']} to {months[-1]['month']}"
        newest = spoken(known[-1], f"minor:{metrics['currency']}")
        ends = f" {newest} in the last month"
        console.print(Text.assemble("  net revenue ", (sparkline(known), "cyan"), ends, (f"  {span}", "dim")))


def _reasons(console: Console, score: dict[str, Any]) -> None:
    for cap in score["caps"]:
        console.print(Text(f"  held at {_rounded(cap['limit'])}: {cap['reason']}", "red"))
    if not score["reasons"]:
        return
    console.print(Text("\n  What costs points", "bold"))
    table = Table.grid(padding=(0, 2))
    for reason in score["reasons"]:
        lost = Text(f"−{_rounded(reason['lost'], 1)}", "red")
        table.add_row(lost, reason["text"], Text(reason["counterfactual"], "green"), _events(reason))
    console.print(Padding(table, (0, 0, 0, 4)))


def _figures(console: Console, metrics: dict[str, Any]) -> None:
    console.print(Text("\n  Figures", "bold"))
    table = Table.grid(padding=(0, 2))
    by_name = {figure["name"]: figure for figure in metrics["figures"]}
    for name, words in _SHOWN:
        figure = by_name[name]
        if figure["value"] is None:
            table.add_row(Text(words, "dim"), Text("unknown", "blue"), Text(figure["unknown"], "dim"))
        else:
            shown = spoken(Decimal(figure["value"]), figure["unit"])
            table.add_row(Text(words, "dim"), shown, Text(figure["note"] or "", "dim"))
    for apart in metrics["unconverted"]:
        amount = f"{to_major(apart['amount'], apart['currency']):,f} {apart['currency']}"
        table.add_row(Text("not converted", "dim"), amount, Text("no exchange rate: in no sum", "dim"))
    console.print(Padding(table, (0, 0, 0, 4)))


def _advice(console: Console, advice: dict[str, Any]) -> None:
    if advice["top"]:
        console.print(Text("\n  This week", "bold"))
    for number, one in enumerate(advice["top"], start=1):
        gain = Decimal(one["predicted_uplift"])
        gains = f"+{gain:f} points" if gain else "prevents worse"
        console.print(Text.assemble(f"    {number}. {one['action']}", (f"  {gains}, {one['effort']} effort", "green")))
        console.print(Text(f"       {one['trigger']}", "dim"))
    more = len(advice["standing"]) - len(advice["top"])
    if more > 0:
        console.print(Text(f"    and {more} more: …/recommendations", "dim"))
    console.print()


def _events(reason: dict[str, Any]) -> Text:
    first = reason["event_ids"][0] if reason["event_ids"] else "no events"
    return Text(f"{first} and {reason['event_count'] - 1} more" if reason["event_count"] > 1 else first, "dim")


def _value(figures: list[dict[str, Any]], name: str) -> Decimal | None:
    value = next((figure["value"] for figure in figures if figure["name"] == name), None)
    return None if value is None else Decimal(value)


def _whole(value: str | None) -> str:
    """Whole points, rounded down: 59.6 is not yet the 60 of the next band."""
    return "" if value is None else str(Decimal(value).to_integral_value(ROUND_FLOOR))


def _rounded(value: str | None, places: int = 0) -> str:
    return "" if value is None else f"{Decimal(value):.{places}f}"
