"""Writes the generated contracts below docs/, or checks that they are what the code says.

python -m vaultra.contracts [--check] [--docs DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path

from api.openapi import openapi_document
from schemas.export import Channel, documents
from streams.topics import TOPICS

DOCS = Path(__file__).parents[1] / "docs"


def generated() -> dict[str, str]:
    """Every generated file: path below docs/ → text."""
    channels = (Channel(topic.name, topic.carries, topic.partitions) for topic in TOPICS)
    api = json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"
    return {**documents(channels, version=version("vaultra")), "openapi.json": api}


def export(docs: Path) -> list[Path]:
    """Write the files and remove schemas of types that no longer are; returns what changed."""
    changed = [docs / name for name in differences(docs)]
    files = generated()
    for name, text in files.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in _stale(docs, files):
        path.unlink()
    return changed


def differences(docs: Path) -> list[str]:
    """Files below docs/ that are not what the code says: missing, different, or of a type that is no more."""
    files = generated()
    wrong = [name for name, text in files.items() if not _reads(docs / name, text)]
    return sorted([*wrong, *(str(path.relative_to(docs)) for path in _stale(docs, files))])


def _stale(docs: Path, files: dict[str, str]) -> list[Path]:
    return [path for path in sorted((docs / "schemas").glob("*.json")) if f"schemas/{path.name}" not in files]


def _reads(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0; 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description="Write or check the generated contracts.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file differs")
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args(arguments)
    if not options.check:
        for path in export(options.docs):
            print(f"wrote {path}")
        return 0
    wrong = differences(options.docs)
    for name in wrong:
        print(f"{options.docs / name} differs from the code: run python -m vaultra.contracts", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
