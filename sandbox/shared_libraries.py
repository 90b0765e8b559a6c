"""Which shared libraries ELF files load, asked of the system's own loader (no `ldd`, hence no shell, needed)."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from schemas.errors import SandboxUnavailable

_PT_INTERP = 3
_RESOLVED = re.compile(r"^\s*(?P<name>\S+) => (?P<path>/\S+) \(0x", re.MULTILINE)
_MISSING = re.compile(r"^\s*(?P<name>\S+) => not found", re.MULTILINE)


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def loader_of(executable: Path) -> Path:
    """The program interpreter a 64-bit ELF executable names, e.g. /lib64/ld-linux-x86-64.so.2."""
    data = executable.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        raise SandboxUnavailable(f"{executable} is not a 64-bit ELF executable")
    headers, size, count = (
        struct.unpack_from("<Q", data, 32)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    for place in range(headers, headers + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, place)
        if kind == _PT_INTERP:
            return Path(data[offset : offset + length].rstrip(b"\0").decode())
    raise SandboxUnavailable(f"{executable} is statically linked: its libraries cannot be determined")


def needed_libraries(loader: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Every library the files load, directly or not: name as it is asked for → the file on this machine.

    Raises SandboxUnavailable when one is missing.
    """
    found: dict[str, Path] = {}
    for file in files:
        listing = subprocess.run(
            [loader, "--list", file], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}, timeout=30
        )
        missing = _MISSING.search(listing.stdout)
        if missing:
            raise SandboxUnavailable(f"{file} needs {missing['name']}, which this machine does not have")
        if listing.returncode:
            raise SandboxUnavailable(f"the libraries of {file} cannot be listed: {listing.stderr.strip()}")
        found.update({match["name"]: Path(match["path"]) for match in _RESOLVED.finditer(listing.stdout)})
    return found
