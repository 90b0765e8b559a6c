"""A refused call is named for people, never decides anything, and costs the host little."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.denials import Denials, explain
from sandbox.runner import PooledSandbox
from sandbox.supervision import DEATH, readable
from tests.sandbox.quick import QUICK

_ASK = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
answers = set()
for _ in range({times}):
    answers.add((libc.unshare(0x10000000), ctypes.get_errno()))
print(sorted(answers))
"""


async def test_denied_call_is_named_with_its_reason_when_the_program_fails_on_it(sandbox: PooledSandbox) -> None:
    result = (await sandbox.run("import socket\nsocket.socket()", {})).result
    assert (result.reason, result.denied) == ("error", ("socket(AF_INET)",))
    assert "there is no network" in (result.detail or "")
    assert "PermissionError" in result.stderr


async def test_denied_call_is_named_but_the_run_is_ok_when_the_program_copes(sandbox: PooledSandbox) -> None:
    result = (await sandbox.run(_ASK.format(times=1), {})).result
    assert (result.reason, result.stdout, result.denied) == ("ok", "[(-1, 1)]\n", ("unshare",))
    assert result.detail is None


async def test_denied_calls_stay_denied_when_there_are_too_many_to_listen_to(sandbox: PooledSandbox) -> None:
    result = (await sandbox.run(_ASK.format(times=2000), {})).result
    # EPERM from us, then ENOSYS from the kernel, which nobody tells any more.
    assert (result.reason, result.stdout) == ("ok", "[(-1, 1), (-1, 38)]\n")


async def test_denied_call_is_named_when_a_thread_or_child_makes_it(sandbox: PooledSandbox) -> None:
    code = (
        "import os, socket, threading\n"
        "def attempt(family):\n"
        "    try: socket.socket(family)\n"
        "    except PermissionError: print('refused', flush=True)\n"
        "thread = threading.Thread(target=attempt, args=(10,)); thread.start(); thread.join()\n"
        "if not os.fork(): attempt(16); os._exit(0)\n"
        "os.wait()\n"
    )
    result = (await sandbox.run(code, {})).result
    assert result.stdout == "refused\nrefused\n"
    assert result.denied == ("socket(AF_INET6)", "socket(AF_NETLINK)")


async def test_listener_is_not_inside_when_the_program_looks_for_it(sandbox: PooledSandbox) -> None:
    code = "import os\nprint([fd for fd in range(3, 256) if os.path.lexists(f'/proc/self/fd/{fd}')])"
    result = (await sandbox.run(code, {})).result
    assert result.stdout == "[]\n"


async def test_listener_is_hung_up_at_once_when_nobody_is_left_to_call(
    sandbox: PooledSandbox, sandbox_data: Path
) -> None:
    """It stays readable for ever then: whoever goes on listening spins, or on older kernels hangs."""
    backend = BubblewrapBackend(sandbox_data)
    assert (await asyncio.to_thread(backend.probe)).available
    box = backend.prepare(QUICK)
    denials = Denials(box.listener)
    assert denials.answer(), "the program is still to come"
    box.kill()
    assert readable([box.monitor], DEATH)
    assert not denials.answer()
    box.destroy()
    backend.close()


def test_explanation_gives_each_reason_once_when_several_calls_share_it() -> None:
    assert explain(()) == ""
    assert explain(("socket(AF_INET)", "socket(AF_VSOCK)", "bpf")) == (
        "It was refused socket(AF_INET), socket(AF_VSOCK), bpf: there is no network; a calculation does not need it."
    )
