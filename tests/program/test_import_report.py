"""What `vaultra stripe import` says of what it could not read."""

from __future__ import annotations

import io

from rich.console import Console

from adapters.stripe.event_files import Broken
from streams.stripe_import import Tally
from vaultra.commands.stripe import _show


def test_reason_is_said_once_when_many_lines_share_it() -> None:
    broken = [Broken("a.json", None, f"element {number}: this is an object (charge)") for number in range(70)]
    console = Console(file=io.StringIO(), width=80)
    _show(Tally(), [*broken, Broken("b.jsonl", 3, "not JSON")], console)
    said = console.file.getvalue()
    assert "a.json: element 0: this is an object (charge) (and 69 more like it)" in said
    assert "b.jsonl:3: not JSON" in said
    assert said.count("this is an object") == 1
