"""What `vaultra business show` says of a score."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from processors.measuring.snapshot import definitions
from vaultra.client import VaultraClient
from vaultra.commands.business import list_businesses, render


def shown(**score: Any) -> str:
    figures = [{"name": name, "value": None, "unit": "count", "unknown": "-", "note": None} for name in definitions()]
    whole = {
        "score": "50.00",
        "low": "50.00",
        "high": "50.00",
        "confidence": "normal",
        "band": "building",
        "as_of": "2026-07-01T00:00:00Z",
        "known_at": "2026-07-01T00:00:00Z",
        "unscored": None,
        "caps": [],
        "reasons": [],
        "notes": [],
        **score,
    }
    out = StringIO()
    render(
        Console(file=out, width=120),
        {"name": "Shop", "account": None, "business_id": "biz_1", "livemode": True},
        whole,
        {"currency": "usd", "months": [], "figures": figures, "unconverted": []},
        {"top": [], "standing": []},
    )
    return out.getvalue().splitlines()[1].strip()


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ({"score": "59.60", "low": "59.60", "high": "59.60"}, "readiness 59 of 100, building  as of"),
        (
            {"score": "58.24", "low": "50.5", "high": "68.9", "confidence": "low"},
            "building  (50 to 68, low confidence)",
        ),
        ({"score": "20.00", "low": "20.00", "high": "20.00", "confidence": "low"}, "building  (low confidence)  as of"),
        ({"score": None, "low": None, "high": None, "confidence": "low", "band": "unscored"}, "unscored  as of"),
    ],
)
def test_score_is_never_shown_as_more_or_surer_than_it_is(score: dict[str, Any], words: str) -> None:
    assert words in shown(**score)


class _Listing(VaultraClient):
    """Answers with one business of a band."""

    def __init__(self, band: str | None) -> None:
        super().__init__("http://127.0.0.1:1")
        self._band = band

    async def get(self, path: str, **query: str | None) -> Any:
        one = {"business_id": "biz_1", "name": "Shop", "account": None, "livemode": True, "as_of": None}
        scored = {"score": None, "low": None, "high": None, "confidence": None, "band": self._band}
        return {"businesses": [{**one, **scored}], "after": None}


@pytest.mark.parametrize(("band", "said"), [(None, True), ("unscored", False)])
async def test_list_says_what_computes_a_score_when_there_is_none_yet(band: str | None, said: bool) -> None:
    out = StringIO()
    async with _Listing(band) as client:
        await list_businesses(client, Console(file=out, width=120), as_json=False)
    assert ("computed while `vaultra up` runs" in out.getvalue()) is said
