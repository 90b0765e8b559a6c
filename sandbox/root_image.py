"""The root tree as one file: built by one target, the same bytes from the same inputs, for `docker import` and review.

    python -m sandbox.root_image [--data-dir DIR] [--tar FILE] [--check]

Prints the tree's place and the SHA-256 of its manifest and of the tar file. `--check` builds a second tree elsewhere
and fails when the two differ. The inputs are this machine's Python and libraries and the wheels in
`deploy/requirements/sandbox.txt`, each by hash.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tarfile
import tempfile
from pathlib import Path

from sandbox.root_tree import RootTree, build_root
from schemas.errors import SandboxUnavailable


def manifest_hash(root: RootTree) -> str:
    """SHA-256 of the list of files with their own hashes: what is in the tree, and nothing about when."""
    return hashlib.sha256((root.home / "manifest.txt").read_bytes()).hexdigest()


def write_tar(root: RootTree, target: Path) -> str:
    """The tree as an uncompressed tar file of root's, without times; returns its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.tree.rglob("*")):
            entry = tar.gettarinfo(path, str(path.relative_to(root.tree)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = 0
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(first: RootTree, second: RootTree) -> list[str]:
    """Lines of the manifests that only one of two trees has."""
    lines = [set((root.home / "manifest.txt").read_text().splitlines()) for root in (first, second)]
    return sorted(lines[0] ^ lines[1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox.root_image", description="Build the sandbox's root tree.")
    parser.add_argument("--data-dir", type=Path, default=Path(".vaultra"))
    parser.add_argument("--tar", type=Path, help="write the tree to this file")
    parser.add_argument("--check", action="store_true", help="build it twice and compare")
    options = parser.parse_args(arguments)
    try:
        root = build_root(options.data_dir, _say)
        print(f"tree      {root.tree}\nmanifest  sha256 {manifest_hash(root)}")
        if options.tar:
            print(f"tar       {options.tar}\n          sha256 {write_tar(root, options.tar)}")
        if options.check:
            with tempfile.TemporaryDirectory(prefix="vaultra-root-") as place:
                Path(place).chmod(0o711)  # root's boxes start as users who must pass through
                different = differences(root, build_root(Path(place), _say))
            print("\n".join(different[:20]) or "a second build is the same")
            return 1 if different else 0
    except SandboxUnavailable as error:
        print(f"sandbox.root_image: {error}", file=sys.stderr)
        return 1
    return 0


def _say(words: str, done: float) -> None:
    print(f"{done:4.0%}  {words}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
