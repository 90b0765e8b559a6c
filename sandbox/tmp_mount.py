"""A `/tmp` of limited size and number of names, made on the host for boxes that cannot make their own.

It is mounted by us and not by the engine, so that the output directory can be held from before the program starts
until after its last process is dead.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from sandbox.cgroups import is_leftover
from sandbox.identity import Identity
from sandbox.limits import Limits
from schemas.errors import SandboxUnavailable

_NAMES = 16_384  # inodes
_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmp(directory: Path, limits: Limits, identity: Identity, font_list: str) -> int:
    """Mount it on a new directory; returns a descriptor of the output directory in it.

    Raises SandboxUnavailable where mounting is not allowed (it takes root).
    """
    directory.mkdir(mode=0o700)
    options = f"size={limits.tmp},nr_inodes={_NAMES},mode=0700,uid={identity.uid},gid={identity.gid}"
    flags = _NOSUID | _NODEV | _NOEXEC
    if _libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", ctypes.c_ulong(flags), options.encode()):
        why = os.strerror(ctypes.get_errno())
        raise SandboxUnavailable(f"a limited /tmp for the box cannot be mounted: {why}; this backend needs root")
    output, fonts = directory / "out", directory / ".matplotlib"
    for made in (output, fonts):
        made.mkdir()
        os.chown(made, identity.uid, identity.gid)
    (fonts / font_list).symlink_to(f"/usr/share/matplotlib/{font_list}")
    return os.open(output, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def unmount_tmp(directory: Path) -> None:
    """Take it away, even while something still looks into it. Safe where nothing is mounted."""
    while _libc.umount2(os.fsencode(directory), _DETACH) == 0:
        pass


def unmount_leftovers(boxes: Path) -> None:
    """Take away what killed processes left mounted, so that the janitor can remove the directories."""
    for slot in boxes.iterdir():
        if is_leftover(slot):
            unmount_tmp(slot / "tmp")
