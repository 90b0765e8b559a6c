"""The system call filter as Docker's JSON profile, which is also what an OCI runtime reads: the same list and rules.

Rules there are joined by "or" and allow; a refusal of single values is therefore said as all the others, by bits.
"""

from __future__ import annotations

import errno
import platform
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from sandbox.seccomp import RULES, Rule
from sandbox.syscalls import ALLOWED, NUMBERS, REFUSED
from schemas.errors import SandboxUnavailable

_ARCHITECTURE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
# Engines before 23.0 do not know the default's number and take EPERM: starting threads needs this one to be right.
_CLONE3 = [{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}]
_ALL = 0xFFFFFFFF  # the kernel looks at the low half of these arguments only


def profile(*, gvisor: bool = False) -> dict[str, Any]:
    """`gvisor` is for a filter that gVisor's kernel loads, which answers EPERM whatever number it is told.

    Raises SandboxUnavailable on a machine whose system calls are not known here.
    """
    machine = platform.machine()
    if machine not in NUMBERS:
        raise SandboxUnavailable(f"there is no system call filter for {machine} machines yet, only x86_64 and aarch64")
    known = NUMBERS[machine]
    allowed = sorted(name for name in ALLOWED if name in known)
    if gvisor:
        allowed.append("pselect")  # its name for pselect6
    refused = sorted(name for name in REFUSED if name in known)
    return {
        # "Ask the tracer" is ENOSYS where nobody traces: programs must see that to take another way (clone for clone3).
        "defaultAction": "SCMP_ACT_TRACE" if gvisor else "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.ENOSYS,
        "architectures": [_ARCHITECTURE[machine]],
        "syscalls": [
            {"names": allowed, "action": "SCMP_ACT_ALLOW"},
            *(
                entry
                for call in dict.fromkeys(rule.call for rule in RULES)
                if call in known
                for entry in _entries(call)
            ),
            *([] if gvisor else _CLONE3),
            {"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
        ],
    }


def _entries(call: str) -> Iterator[dict[str, Any]]:
    """One entry for each way in which all rules on the call are kept."""
    for way in product(*(_conditions(rule) for rule in RULES if rule.call == call)):
        yield {"names": [call], "action": "SCMP_ACT_ALLOW", "args": list(way)}


def _conditions(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"index": rule.argument, "op": "SCMP_CMP_MASKED_EQ", "value": mask, "valueTwo": value}
        for mask, value in _allowed(rule)
    ]


def _allowed(rule: Rule) -> Iterable[tuple[int, int]]:
    """(mask, value): the call is allowed where `argument & mask == value` for one of them."""
    match rule.check:
        case "only":
            return [(_ALL, value) for value in rule.values]
        case "bits":
            return [(rule.values[0], 0)]
        case "none":
            return _all_but(set(rule.values))


def _all_but(values: set[int], bit: int = 31, mask: int = 0, prefix: int = 0) -> Iterator[tuple[int, int]]:
    """Every 32-bit number that is not one of the values, as few prefixes."""
    if not values:
        yield mask, prefix
    elif bit >= 0:
        here = 1 << bit
        for side in (0, here):
            yield from _all_but({v for v in values if v & here == side}, bit - 1, mask | here, prefix | side)
