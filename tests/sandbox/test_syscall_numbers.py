"""The table of system call numbers, held against libseccomp's, which was made from the kernel's own by others."""

from __future__ import annotations

import ctypes
import ctypes.util

import pytest

from sandbox.syscalls import ALLOWED, NUMBERS, REFUSED

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# From here on every architecture has the same number for a call.
_COMMON = 424


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed; it comes with Docker's engine")
    return ctypes.CDLL(name)


@pytest.mark.parametrize("machine", sorted(NUMBERS))
def test_number_is_the_kernels_when_another_table_knows_the_call(library: ctypes.CDLL, machine: str) -> None:
    architecture = _ARCHITECTURES[machine]
    theirs = {name: library.seccomp_syscall_resolve_name_arch(architecture, name.encode()) for name in NUMBERS[machine]}
    known = {name: number for name, number in theirs.items() if number >= 0}
    assert len(known) > len(theirs) - 10, "newer than the library: a few at most"
    assert known == {name: NUMBERS[machine][name] for name in known}


@pytest.mark.parametrize("machine", sorted(NUMBERS))
def test_call_has_a_number_when_the_machine_has_the_call(library: ctypes.CDLL, machine: str) -> None:
    """A call that is on a list but without its number would be decided as an unknown one."""
    without = (ALLOWED | REFUSED) - NUMBERS[machine].keys()
    architecture = _ARCHITECTURES[machine]
    assert [
        name for name in without if library.seccomp_syscall_resolve_name_arch(architecture, name.encode()) >= 0
    ] == []


def test_number_is_the_same_everywhere_when_it_is_a_new_one() -> None:
    x86, arm = NUMBERS["x86_64"], NUMBERS["aarch64"]
    new = {name for name, number in x86.items() if number >= _COMMON}
    assert {name: x86[name] for name in new} == {name: arm[name] for name in new}
    assert len(new) > 20


@pytest.mark.parametrize("machine", sorted(NUMBERS))
def test_no_number_stands_for_two_calls(machine: str) -> None:
    assert len(set(NUMBERS[machine].values())) == len(NUMBERS[machine])
