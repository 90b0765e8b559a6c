"""The critic's policy: what a program may import, name and reach, checked on its syntax tree.

Runs in the inspector process, because parsing hostile source can take all memory or crash the interpreter.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.analyses import Finding
from schemas.errors import SetupError

DEFAULT = Path(__file__).with_name("policy.toml")
# PEP 263: only the first two lines count.
_COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = {"utf-8", "utf8", "u8", "utf_8", "utf-8-sig"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProgramRules(_Part):
    max_bytes: Annotated[int, Field(gt=0)]


class ImportRules(_Part):
    installed: tuple[str, ...]
    refused: dict[str, str]


class NameRules(_Part):
    refused: dict[str, str]


class AttributeRules(_Part):
    refused: frozenset[str]


class ToolRules(_Part):
    """Prefixes of a tool's rule codes."""

    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()

    def severity(self, rule: str) -> Any:
        """`error` rejects; typed loosely because `Finding` checks it."""
        return "error" if rule.startswith(self.reject) else "warning" if rule.startswith(self.warn) else "info"


class Policy(_Part):
    program: ProgramRules
    imports: ImportRules
    names: NameRules
    attributes: AttributeRules
    ruff: ToolRules
    bandit: ToolRules


def load_policy(path: Path = DEFAULT) -> Policy:
    """Raises SetupError when the file cannot be read or says something unknown."""
    try:
        return Policy.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise SetupError(f"the critic's policy {path} is not usable: {error}") from error


def foreign_encoding(code: str) -> tuple[int, str] | None:
    """Line and name of an encoding other than UTF-8 that the code declares for itself."""
    for number, line in enumerate(code.splitlines()[:2], 1):
        cookie = _COOKIE.match(line)
        if cookie and cookie[1].lower() not in _UTF8:
            return number, cookie[1]
    return None


def text_findings(code: str, policy: Policy) -> list[Finding]:
    """What is wrong before anything is parsed. Anything found here means that nothing may be parsed."""
    found = []
    if not code.strip():
        found.append(_refusal("empty", "there is no code"))
    if "\0" in code:
        found.append(_refusal("nul", "the code contains a NUL character"))
    try:
        size = len(code.encode())
    except UnicodeEncodeError:
        return [*found, _refusal("unicode", "the code is not valid Unicode text")]
    if size > policy.program.max_bytes:
        found.append(_refusal("size", f"the code is larger than {policy.program.max_bytes // 1024} KiB"))
    declared = foreign_encoding(code)
    if declared is not None:
        # Tools that honour it would review other code than the one that runs.
        found.append(
            _refusal("encoding", f"the code declares the encoding {declared[1]}; it must be UTF-8", declared[0])
        )
    return found


def tree_findings(code: str, policy: Policy) -> list[Finding]:
    """What the policy refuses in the program's syntax tree, or that it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except SyntaxError as error:
        return [
            Finding(tool="syntax", rule="syntax", severity="error", message=error.msg or "invalid", line=error.lineno)
        ]
    except (RecursionError, MemoryError, ValueError) as error:
        return [_refusal("unparsable", f"the code is too deep or too odd to be parsed ({type(error).__name__})")]
    aliases = _aliases(tree)
    return [finding for node in ast.walk(tree) for finding in _node_findings(node, aliases, policy)]


def _refusal(rule: str, message: str, line: int | None = None) -> Finding:
    return Finding(tool="policy", rule=rule, severity="error", message=message, line=line)


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Local name → dotted name of what was imported under it, anywhere in the program."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                names[item.asname or item.name.split(".")[0]] = item.name if item.asname else item.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                names[item.asname or item.name] = f"{node.module}.{item.name}"
    return names


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str | None:
    """`pd.eval` → `pandas.eval` after `import pandas as pd`; None for what is not a plain chain of names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([aliases.get(node.id, node.id), *reversed(parts)])


def _node_findings(node: ast.AST, aliases: dict[str, str], policy: Policy) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        for item in node.names:
            yield from _import_findings(item.name, node.lineno, policy)
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            yield _refusal("import", "relative imports lead nowhere: the program is one file", node.lineno)
            return
        yield from _import_findings(node.module or "", node.lineno, policy)
        for item in node.names:
            dotted = f"{node.module}.{item.name}"
            yield from _name_findings(dotted, node.lineno, policy)
            if dotted in policy.imports.refused:
                yield from _import_findings(dotted, node.lineno, policy)
    elif isinstance(node, ast.Attribute):
        if node.attr in policy.attributes.refused:
            yield _refusal("attribute", f"{node.attr} is not to be used", node.lineno)
        yield from _name_findings(_dotted(node, aliases), node.lineno, policy)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _name_findings(aliases.get(node.id, node.id), node.lineno, policy)


def _import_findings(module: str, line: int, policy: Policy) -> Iterator[Finding]:
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        why = policy.imports.refused.get(".".join(parts[:length]))
        if why is not None:
            yield _refusal("import", f"{module} is not to be imported: {why}", line)
            return
    if parts[0] not in sys.stdlib_module_names and parts[0] not in policy.imports.installed:
        offered = ", ".join(policy.imports.installed[:3])
        yield _refusal("import", f"{parts[0]} is not installed: use the standard library, {offered}", line)


def _name_findings(dotted: str | None, line: int, policy: Policy) -> Iterator[Finding]:
    why = policy.names.refused.get(dotted or "")
    if why is not None:
        yield _refusal("name", f"{dotted} is not to be used: {why}", line)
