"""What a box is given: a directory on the host for its program and inputs, and the order to start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.identity import Identity


def make_slot(slot: Path, identity: Identity) -> None:
    """Directories for what this box reads: nobody else on the machine may look into them."""
    slot.mkdir(mode=0o700)
    for directory in (slot, slot / "inputs", slot / "program"):
        directory.mkdir(exist_ok=True)
        if not identity.own:
            os.chown(directory, 0, identity.gid)
        directory.chmod(0o750)


def provide(slot: Path, code: str, inputs: Mapping[str, bytes]) -> None:
    """Put the program and its inputs where the box sees them."""
    for directory, name, data in (
        ("program", "main.py", code.encode()),
        *(("inputs", name, data) for name, data in inputs.items()),
    ):
        path = slot / directory / name
        path.write_bytes(data)
        path.chmod(0o444)


def order(env: Mapping[str, str]) -> bytes:
    """What the bootstrap waits for: the environment to add and the word to start."""
    return b"".join(f"{name}={value}\0".encode() for name, value in env.items()) + b"go\0"
