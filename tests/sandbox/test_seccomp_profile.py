"""Docker's JSON profile and the compiled filter are one list: they decide alike."""

from __future__ import annotations

import errno
import platform
from typing import Any

import pytest

from sandbox.seccomp import RULES
from sandbox.seccomp_profile import profile
from sandbox.syscalls import ALLOWED, NUMBERS, REFUSED

_ALLOW = "SCMP_ACT_ALLOW"


def _decision(call: str, arguments: dict[int, int], *, gvisor: bool = False) -> str | int:
    """As an OCI runtime reads it: entries of one call are alternatives, conditions of one entry must all hold."""
    document = profile(gvisor=gvisor)
    for entry in document["syscalls"]:
        if call in entry["names"] and all(_holds(condition, arguments) for condition in entry.get("args", ())):
            return _ALLOW if entry["action"] == _ALLOW else int(entry["errnoRet"])
    return int(document["defaultErrnoRet"])


def _holds(condition: dict[str, Any], arguments: dict[int, int]) -> bool:
    assert condition["op"] == "SCMP_CMP_MASKED_EQ"
    return bool(arguments.get(condition["index"], 0) & condition["value"] == condition["valueTwo"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.call}-{rule.argument}")
def test_docker_profile_decides_as_the_filter_does(rule: Any) -> None:
    if rule.call not in NUMBERS[platform.machine()]:
        pytest.skip(f"no {rule.call} on this machine")
    tried = {0, 1, 2, 16, 0xFFFFFFFF, *rule.values, *(v + 1 for v in rule.values), *(v | 1 << 40 for v in rule.values)}
    for value in tried:
        low = value & 0xFFFFFFFF
        allowed = {
            "only": low in rule.values,
            "none": low not in rule.values,
            "bits": not low & rule.values[0],
        }[rule.check]
        assert (_decision(rule.call, {rule.argument: value}) == _ALLOW) == allowed, hex(value)


def test_docker_profile_keeps_every_rule_when_a_call_has_several() -> None:
    assert _decision("prlimit64", {0: 0, 1: 7}) == _ALLOW
    for arguments in ({0: 0, 1: 4}, {0: 1, 1: 7}, {0: 1, 1: 4}):
        assert _decision("prlimit64", arguments) != _ALLOW


def test_docker_profile_allows_and_refuses_by_name_as_the_lists_do() -> None:
    known = NUMBERS[platform.machine()]
    assert all(_decision(call, {}) == _ALLOW for call in ALLOWED if call in known)
    assert all(_decision(call, {}) == errno.EPERM for call in REFUSED if call in known)
    assert _decision("clone3", {}) == _decision("openat2", {}) == errno.ENOSYS


def test_gvisor_profile_answers_unknown_calls_by_asking_nobody() -> None:
    assert profile(gvisor=True)["defaultAction"] == "SCMP_ACT_TRACE"
    assert _decision("pselect", {}, gvisor=True) == _ALLOW
