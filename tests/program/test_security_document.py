"""docs/SECURITY.md names tests as proof; each must be there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from schemas.analyses import ExecutionReason

_ROOT = Path(__file__).parents[2]


def test_every_wall_is_proved_by_a_test_that_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (_ROOT / "docs" / "SECURITY.md").read_text()))
    defined = {
        name
        for file in (_ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert len(named) > 30
    assert named <= defined, sorted(named - defined)


def test_every_wall_names_its_test() -> None:
    rows = re.findall(r"^\| (.+) \| (.*) \|$", (_ROOT / "docs" / "SECURITY.md").read_text(), re.MULTILINE)
    walls = [row for row in rows if "test_" in row[1]]
    assert len(walls) > 20
    assert all(re.fullmatch(r"(`test_\w+`(, )?)+", proof) for _, proof in walls)


def test_every_reason_a_run_may_end_for_names_its_test() -> None:
    text = (_ROOT / "docs" / "SECURITY.md").read_text()
    table = text[text.index("### How a run ends") : text.index("### What differs")]
    told = [re.findall(r"`(\w+)`", row.partition(":")[0]) for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)]
    assert sorted(reason for reasons in told for reason in reasons) == sorted(get_args(ExecutionReason))
