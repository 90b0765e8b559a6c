"""Installs the wheels that programs may import into the root tree: by hash, wheels only, nothing resolved."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import SandboxUnavailable

_LOCK = Path(__file__).parents[1] / "deploy" / "requirements" / "sandbox.txt"
_LOCKED = ("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")


def lock_file() -> Path:
    """The hash-locked list of what is installed."""
    if not _LOCK.is_file():
        raise SandboxUnavailable(f"the list of the sandbox's wheels is missing: {_LOCK}")
    return _LOCK


def _installers() -> Iterator[list[str]]:
    """Commands that may be able to install, best first."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        yield [uv, "pip", "install", "--system-certs", "--python", sys.executable]
    if importlib.util.find_spec("uv"):
        yield [sys.executable, "-m", "uv", "pip", "install", "--system-certs", "--python", sys.executable]
    for python in (sys.executable, os.path.realpath(sys.executable)):
        yield [python, "-m", "pip", "install", "--disable-pip-version-check"]


def install_wheels(target: Path) -> None:
    """Install into a directory. Raises SandboxUnavailable with what each installer said."""
    said = []
    for installer in _installers():
        command = [*installer, *_LOCKED, "--target", str(target), "--requirement", str(lock_file())]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode == 0:
            return
        said.append(f"{' '.join(installer)}: {done.stderr.strip()[-300:]}")
    raise SandboxUnavailable("the sandbox's wheels cannot be installed – " + "; ".join(said))
