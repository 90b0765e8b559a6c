"""The critic: what it lets through, what it refuses and how it says so, and what hostile source cannot do to it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from adapters.critic.critic import RuffBanditCritic
from adapters.critic.policy import DEFAULT
from schemas.errors import SetupError

_HONEST = """
import contextlib
import json
import os
from decimal import Decimal
from pathlib import Path

document = json.loads(Path("/inputs/document.json").read_text())
values = [Decimal(figure["value"]) for figure in document["figures"]]
assert values
with contextlib.suppress(ImportError):
    import matplotlib.pyplot as plt

    plt.plot([float(value) for value in values])
    plt.savefig(Path(os.environ["SBX_OUT"]) / "figures.png")
Path(os.environ["SBX_OUT"], "result.json").write_text(json.dumps({"sum": str(sum(values))}))
"""


async def test_program_is_approved_without_remarks_when_it_is_honest(reviewer: RuffBanditCritic) -> None:
    review = await reviewer.review(_HONEST)
    assert review.approved
    assert [finding for finding in review.findings if finding.severity != "info"] == []


@pytest.mark.parametrize(
    ("code", "rule", "line"),
    [
        ("import socket", "import", 1),
        ("import os\nimport http.client", "import", 2),
        ("from urllib import request", "import", 1),
        ("import subprocess as s\ns.run(['ls'])", "import", 1),
        ("import requests", "import", 1),
        ("from . import x", "import", 1),
        ("import os as o\no.system('ls')", "name", 2),
        ("from os import system as s\ns('ls')", "name", 1),
        ("f = eval\nf('1')", "name", 1),
        ("exec('1')", "name", 1),
        ("__import__('os')", "name", 1),
        ("import pandas as pd\npd.read_pickle('x')", "name", 2),
        ("print(().__class__.__bases__)", "attribute", 1),
        ("def f(:\n  pass", "syntax", 1),
        ("print(unknown)", "F821", 1),
        ("return 1", "F706", 1),
        ("import telnetlib  # noqa", "import", 1),
        ("eval('1')  # nosec", "B307", 1),
        ("unknown  # noqa: F821", "F821", 1),
    ],
)
async def test_program_is_rejected_with_line_and_rule_when_the_policy_refuses_it(
    reviewer: RuffBanditCritic, code: str, rule: str, line: int
) -> None:
    review = await reviewer.review(code)
    assert not review.approved
    assert (rule, line) in [(finding.rule, finding.line) for finding in review.findings if finding.severity == "error"]


@pytest.mark.parametrize(
    "code",
    [
        "",
        " \n",
        "x = 1\0",
        "x = '\ud800'",
        "#" * 300_000,
        "# coding: latin-1\nx = 1",
        "\n# -*- coding: utf-7 -*-\nx = 1",
        "(" * 10_000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "+".join(["1"] * 60_000),
        "x = " + "9" * 10_000,
        "\ufeff\ufeffx = 1",
        "x = 1\r\r\n\x0c\tx = (",
    ],
    ids=range(13),
)
async def test_review_ends_with_a_rejection_when_the_source_is_hostile(reviewer: RuffBanditCritic, code: str) -> None:
    started = time.monotonic()
    review = await reviewer.review(code)
    assert not review.approved
    assert all(finding.message for finding in review.findings)
    assert time.monotonic() - started < 12


async def test_next_review_is_right_when_the_one_before_was_cancelled(reviewer: RuffBanditCritic) -> None:
    slow = asyncio.ensure_future(reviewer.review("import numpy as np\n" + "x = np.sum([1])\n" * 8_000))
    await asyncio.sleep(0)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert (await reviewer.review("x = 1")).approved


async def test_reviews_keep_to_their_program_when_many_are_asked_at_once(reviewer: RuffBanditCritic) -> None:
    codes = ["import socket" if number % 2 else "x = 1" for number in range(10)]
    reviews = await asyncio.gather(*(reviewer.review(code) for code in codes))
    assert [review.approved for review in reviews] == [number % 2 == 0 for number in range(10)]


async def test_policy_file_decides_when_a_person_changes_it(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(DEFAULT.read_text().replace("[imports.refused]", '[imports.refused]\nstatistics = "no"'))
    critic = RuffBanditCritic(policy)
    review = await critic.review("import statistics\nprint(statistics.mean([1]))")
    await critic.close()
    assert [finding.message for finding in review.findings if finding.severity == "error"] == [
        "statistics is not to be imported: no"
    ]


@pytest.mark.parametrize("text", ["[imports", "[unknown]\nx = 1", ""])
def test_critic_does_not_start_when_its_policy_is_unusable(tmp_path: Path, text: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    with pytest.raises(SetupError, match=r"policy\.toml"):
        RuffBanditCritic(policy)
