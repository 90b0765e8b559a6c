"""The reason of a run follows from evidence in a fixed order."""

from __future__ import annotations

import pytest

from sandbox.limits import Limits
from sandbox.verdict import Evidence, judge


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence("timeout", 0, oom_kills=1), "timeout"),
        (Evidence("output_limit", None), "output_limit"),
        (Evidence("cancelled", None, oom_kills=1), "cancelled"),
        (Evidence("oom", None), "oom"),
        (Evidence(None, 0, oom_kills=1), "oom"),
        (Evidence(None, None, oom_kills=1), "oom"),
        (Evidence(None, 0, tmp_full=True, pids_refused=3), "ok"),
        (Evidence(None, None), "internal_error"),
        (Evidence(None, 1, tmp_full=True), "disk_full"),
        (Evidence(None, 137), "killed"),
        (Evidence(None, 152), "cpu_limit"),
        (Evidence(None, 137, cpu_seconds=1e6), "cpu_limit"),
        (Evidence(None, 1, pids_refused=1), "pids_limit"),
        (Evidence(None, 255), "error"),
        (Evidence(None, 7), "error"),
    ],
)
def test_verdict_follows_the_strongest_evidence_when_several_agree(evidence: Evidence, reason: str) -> None:
    verdict = judge(evidence, Limits())
    assert verdict.reason == reason
    assert (verdict.detail is None) == (reason == "ok")
