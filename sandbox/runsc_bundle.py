"""The OCI bundle of a gVisor box: what is in it, what it is cut off from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.identity import Identity
from sandbox.inside import CORE, environment
from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.seccomp_profile import profile

_NAMESPACES = ("pid", "network", "ipc", "uts", "mount")
_CLOSED = ("nosuid", "nodev", "noexec")


def write_bundle(
    bundle: Path, root: RootTree, slot: Path, arguments: Sequence[str], identity: Identity, limits: Limits
) -> None:
    """Write config.json into a new directory."""
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": identity.uid, "gid": identity.gid},
            "args": list(arguments),
            "env": [f"{name}={value}" for name, value in environment(limits).items()],
            "cwd": "/tmp",
            "capabilities": {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")},
            "rlimits": [{"type": "RLIMIT_CORE", "soft": CORE, "hard": CORE}],
            "noNewPrivileges": True,
        },
        "root": {"path": str(root.tree), "readonly": True},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["ro", *_CLOSED]},
            _tmpfs("/dev/shm", limits.shared_memory),
            _bind("/tmp", slot / "tmp", "rw", *_CLOSED),
            _bind("/inputs", slot / "inputs", "ro", *_CLOSED),
            _bind("/program", slot / "program", "ro", *_CLOSED),
        ],
        "linux": {"namespaces": [{"type": name} for name in _NAMESPACES], "seccomp": profile(gvisor=True)},
    }
    bundle.mkdir(mode=0o700)
    (bundle / "config.json").write_text(json.dumps(config))


def _tmpfs(place: str, size: int) -> dict[str, Any]:
    return {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["rw", f"size={size}", *_CLOSED]}


def _bind(place: str, source: Path, *options: str) -> dict[str, Any]:
    return {"destination": place, "type": "bind", "source": str(source), "options": ["rbind", *options]}
