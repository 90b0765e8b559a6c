"""Stages and schemas are pure: same event in, same events out. No clock, no randomness, no files, no environment."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("processors", "schemas") for path in (ROOT / folder).rglob("*.py"))

# fmt: off
# Modules that read the clock, the machine or the network, or that stand behind a port.
MODULES = frozenset({
    "os", "sys", "platform", "ctypes", "importlib", "random", "secrets", "time",
    "socket", "ssl", "urllib", "http", "subprocess", "multiprocessing", "threading",
    "pathlib", "glob", "tempfile", "shutil", "sqlite3", "logging", "structlog",
    "asyncpg", "sqlalchemy", "httpx", "httpx2", "requests", "openai", "faust", "aiokafka",
    "PIL", "cv2", "numpy", "onnxruntime", "rapidocr",
})
# What is impure by its name, whatever module it is taken from.
NAMES = frozenset({
    "now", "utcnow", "today", "monotonic", "perf_counter", "time_ns", "uuid1", "uuid4", "getnode",
    "urandom", "environ", "getenv", "open", "print", "input", "exec", "eval", "__import__",
})
# fmt: on


def impurities(source: str) -> list[str]:
    """Line and name of everything impure in a module's source."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [(node.lineno, name.name) for name in names if name.name.partition(".")[0] in MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                found += [(node.lineno, module)] if module.partition(".")[0] in MODULES else []
                found += [(node.lineno, name.name) for name in names if name.name in NAMES]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
                found.append((node.lineno, name))
            case ast.Global(names=names):
                found += [(node.lineno, f"global {name}") for name in names]
            case _:
                pass
    return [f"line {line}: {name}" for line, name in sorted(found)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_pure(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import os.path as p",
        "from random import choice",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.date.today()",
        "from uuid import uuid4",
        "import uuid\nx = uuid.uuid4",
        "open('x')",
        "print('x')",
        "def f():\n    global x",
        "def f():\n    import time",
        "eval('1')",
    ],
)
def test_impurity_is_found_when_there_is_one(source: str) -> None:
    assert impurities(source)


def test_nothing_is_found_when_code_only_names_the_clock_in_text() -> None:
    assert impurities('"""Never calls now() or open()."""\nCODE = "import os"\nfrom uuid import uuid5\n') == []
