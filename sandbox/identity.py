"""Who a box runs as on the host. Root inside a user namespace map is still root outside, so root gives it up first."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import SandboxUnavailable

# Ids nobody else hands out: above systemd's container range, below 2^31.
_FIRST, _COUNT = 1_900_000_000, 1 << 24
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Identity:
    """User and group of a box. `own` is true when that is simply the user we run as."""

    uid: int
    gid: int
    own: bool


def _mapped(ids: Path) -> list[range]:
    """Ids that exist in our own user namespace (all of them, unless we run in a container that has one)."""
    rows = (line.split() for line in ids.read_text().splitlines())
    return [range(int(inside), int(inside) + int(count)) for inside, _, count in rows]


def new_identity() -> Identity:
    """An unprivileged identity of its own for one box when we are root, otherwise ours.

    Raises SandboxUnavailable when root has no other user to become.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), own=True)
    chosen = _FIRST + secrets.randbelow(_COUNT)
    spans = _mapped(Path("/proc/self/uid_map"))
    groups = _mapped(Path("/proc/self/gid_map"))

    def exists(number: int) -> bool:
        return any(number in span for span in spans) and any(number in span for span in groups)

    if exists(chosen):
        return Identity(chosen, chosen, own=False)
    # A container's map: the upper end of its widest span is the least likely to be somebody's.
    widest = max(spans, key=len)
    chosen = widest.stop - 2 - secrets.randbelow(max(1, min(len(widest) // 4, _COUNT)))
    if chosen > 0 and chosen != _NOBODY and exists(chosen):
        return Identity(chosen, chosen, own=False)
    raise SandboxUnavailable("running as root without another user to become: untrusted code would be root outside")
