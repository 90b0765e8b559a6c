"""The filter's decisions, on a small interpreter of classic BPF."""

from __future__ import annotations

import struct

import pytest

from sandbox.seccomp import RULES, compile_filter, compile_notifier
from sandbox.syscalls import ALLOWED, NUMBERS, REFUSED
from schemas.errors import SandboxUnavailable

_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_VERDICTS = {0x7FFF0000: "allow", 0x7FC00000: "tell", 0x00050001: "EPERM", 0x00050026: "ENOSYS", 0x80000000: "kill"}


def _decide(program: bytes, number: int, arch: int, *arguments: int) -> str:
    data = struct.pack("=iIQ6Q", number, arch, 0, *(arguments + (0,) * 6)[:6])
    at, accumulator = 0, 0
    for _ in range(len(program)):
        code, if_true, if_false, value = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("=I", data, value)[0]
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x45:
                at += if_true if accumulator & value else if_false
            case 0x06:
                return _VERDICTS[value]
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")
    raise AssertionError("the program does not end")


@pytest.mark.parametrize("machine", sorted(NUMBERS))
def test_filter_decides_every_known_call_when_asked(machine: str) -> None:
    program = compile_filter(machine)
    assert len(program) // 8 <= 4096
    for name, number in NUMBERS[machine].items():
        decision = _decide(program, number, _ARCH[machine])
        if name in ALLOWED:
            assert decision == "allow", name
        elif name in REFUSED:
            assert decision == "EPERM", name
    assert _decide(program, NUMBERS[machine]["clone3"], _ARCH[machine]) == "ENOSYS"
    assert _decide(program, 9999, _ARCH[machine]) == "ENOSYS"
    assert _decide(program, 1, 0x40000003) == "kill"


def test_filter_kills_when_the_abi_is_x32() -> None:
    assert _decide(compile_filter("x86_64"), 0x40000000 | 39, _ARCH["x86_64"]) == "kill"


@pytest.mark.parametrize(
    ("call", "arguments", "decision"),
    [
        ("socket", (1, 1, 0), "allow"),
        ("socket", (2, 1, 0), "EPERM"),
        ("socket", (40, 1, 0), "EPERM"),
        ("clone", (0x01200011,), "allow"),
        ("clone", (0x003D0F00,), "allow"),
        ("clone", (0x10000011,), "EPERM"),
        ("clone", (0x00020011,), "EPERM"),
        ("ioctl", (0, 0x5401), "allow"),
        ("ioctl", (0, 0x5412), "EPERM"),
        # The kernel looks at the low half only, and so must the filter.
        ("ioctl", (0, 0x1_0000_5412), "EPERM"),
        ("chmod", (0, 0o755), "allow"),
        ("chmod", (0, 0o4755), "EPERM"),
        ("fchmodat2", (0, 0, 0o2755), "EPERM"),
        ("openat", (0, 0, 0o101, 0o644), "allow"),
        ("openat", (0, 0, 0o101, 0o6755), "EPERM"),
        ("mknod", (0, 0o010644), "allow"),
        ("mknod", (0, 0o100644), "allow"),
        ("mknod", (0, 0o060644), "EPERM"),
        ("mknodat", (0, 0, 0o020644), "EPERM"),
        ("prlimit64", (0, 7), "allow"),
        ("prlimit64", (1, 7), "EPERM"),
        ("prlimit64", (0, 4), "EPERM"),
        ("prlimit64", (1, 4), "EPERM"),
        ("setrlimit", (7,), "allow"),
        ("setrlimit", (4,), "EPERM"),
        ("fcntl", (0, 4), "allow"),
        ("fcntl", (0, 1024), "EPERM"),
        ("fcntl", (0, 1026), "EPERM"),
        ("fcntl", (0, 1025), "allow"),
    ],
)
def test_filter_looks_at_arguments_when_a_rule_says_so(call: str, arguments: tuple[int, ...], decision: str) -> None:
    program = compile_filter("x86_64")
    assert _decide(program, NUMBERS["x86_64"][call], _ARCH["x86_64"], *arguments) == decision


@pytest.mark.parametrize("machine", sorted(NUMBERS))
def test_filters_that_tell_refuse_the_same_calls_when_compared_with_the_one_that_does_not(machine: str) -> None:
    silent, telling, naming = compile_filter(machine), compile_filter(machine, notify=True), compile_notifier(machine)
    for name, number in NUMBERS[machine].items():
        alone = _decide(silent, number, _ARCH[machine])
        first = _decide(telling, number, _ARCH[machine])
        both = {first, _decide(naming, number, _ARCH[machine])}
        assert (alone == "allow") == (both == {"allow"}), name
        # The bootstrap installs the second one; from then on a program can not install a listener of its own.
        assert (alone == "EPERM") == ("tell" in both), name
        assert first == "allow" or name != "seccomp"


def test_no_call_is_on_two_lists_when_the_table_is_read() -> None:
    ruled = {rule.call for rule in RULES}
    assert not ALLOWED & REFUSED
    assert not ruled & (ALLOWED | REFUSED)
    known = set().union(*NUMBERS.values())
    assert known >= ALLOWED | ruled


def test_filter_is_unavailable_when_the_machine_is_unknown() -> None:
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        compile_filter("riscv64")
