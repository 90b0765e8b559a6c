"""The attack scripts, what running them takes, and what on the host an escape would touch."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.limits import Limits
from tests.sandbox.quick import QUICK

OWN_PLACE = Path(__file__).parent / "attacks"
SHARED_PLACE = Path(__file__).parents[2].parent / "shared" / "sandbox" / "attacks"
OWN = sorted(OWN_PLACE.glob("*.py"))
SHARED = sorted(SHARED_PLACE.glob("*.py"))
SCRIPTS = [*SHARED, *OWN]
SECRET = "SBXCANARYSECRET"
# These never end by themselves.
_SHORT = {"infinite_loop", "sigterm_ignored", "atexit_bomb", "stopped", "name_flood", "sleeper", "zombies", "daemon"}
# These have much to do before they end, beside others on few cores.
_LONG = {"benign", "recursion", "cpu_hog", "inodes"}
_HEAVY = {"mem_bomb", "inodes", "tmp_and_memory"}


@dataclass(frozen=True)
class Host:
    """What an escape would touch: a file with a secret, listeners that count."""

    env: dict[str, str]
    hits: Callable[[], int]
    canary: Path


@contextmanager
def watched_host() -> Iterator[Host]:
    """The canaries, until the end of the block."""
    canary = Path(f"/tmp/sbx-canary-{os.getpid()}")
    canary.write_text(SECRET)
    abstract = f"sbx-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(f"\0{abstract}")
        unix.listen()
        for listener in (tcp, udp, unix):
            listener.setblocking(False)
        env = {
            "SBX_ATTACK": "1",
            "SBX_NO_EXTERNAL": "1",
            "SBX_HOST_IP": "127.0.0.1",
            "SBX_TCP_PORT": str(tcp.getsockname()[1]),
            "SBX_UDP_PORT": str(udp.getsockname()[1]),
            "SBX_ABSTRACT": abstract,
            "SBX_CANARY_PATH": str(canary),
        }

        def hits() -> int:
            count = 0
            for attempt in (tcp.accept, unix.accept, lambda: udp.recv(1)):
                try:
                    answer = attempt()
                except BlockingIOError:
                    continue
                count += 1
                if isinstance(answer, tuple):
                    answer[0].close()
            return count

        try:
            yield Host(env, hits, canary)
        finally:
            canary.unlink()


def mounts_of_boxes() -> list[str]:
    """What is mounted on the host for boxes of this process; others on the machine mount what they like."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if re.search(rf"vaultra-box-\d+-{os.getpid()}-", line)]


def escapes(output: str) -> list[str]:
    """Lines of a script's output that say a probe got through."""
    return [line for line in output.splitlines() if line.startswith("RESULT") and " ESCAPED" in line]


def expected(script: Path, *, gvisor: bool = False) -> list[str]:
    """Reasons that may end the script; its head may name others where gVisor's kernel answers."""
    heads = dict(re.findall(r"^# (EXPECT-REASON[-A-Z]*): (.+)$", script.read_text(), re.MULTILINE))
    reasons: str = heads["EXPECT-REASON"]
    return (heads.get("EXPECT-REASON-GVISOR", reasons) if gvisor else reasons).split(",")


def limits_for(script: Path) -> Limits:
    timeout = 2.0 if script.stem in _SHORT else 60.0 if script.stem in _LONG else QUICK.timeout
    limits = replace(QUICK, timeout=timeout)
    return replace(limits, memory=256 << 20) if script.stem in _HEAVY else limits


def env_for(script: Path, host: Host, *, gvisor: bool = False) -> dict[str, str]:
    extra = {"SBX_MEM_MB": str(limits_for(script).memory >> 20), "SBX_GVISOR": "1" if gvisor else "0"}
    return {**host.env, **extra}
