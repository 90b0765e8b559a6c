"""The critic's policy as people write it, and what it refuses before anything is parsed."""

from __future__ import annotations

import re
import tomllib
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
    """`own` are names that a program may also give to something of its own, which is then not refused."""

    refused: dict[str, str]
    own: frozenset[str] = frozenset()


class AttributeRules(_Part):
    refused: frozenset[str]


class AddressRules(_Part):
    """Beginnings of addresses that are not given to a function that reads, and why."""

    refused: dict[str, str] = {}


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
    addresses: AddressRules = AddressRules()
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
        found.append(refusal("empty", "there is no code"))
    if "\0" in code:
        found.append(refusal("nul", "the code contains a NUL character"))
    try:
        size = len(code.encode())
    except UnicodeEncodeError:
        return [*found, refusal("unicode", "the code is not valid Unicode text")]
    if size > policy.program.max_bytes:
        found.append(refusal("size", f"the code is larger than {policy.program.max_bytes // 1024} KiB"))
    declared = foreign_encoding(code)
    if declared is not None:
        # Tools that honour it would review other code than the one that runs.
        found.append(
            refusal("encoding", f"the code declares the encoding {declared[1]}; it must be UTF-8", declared[0])
        )
    return found


def refusal(rule: str, message: str, line: int | None = None) -> Finding:
    """A finding of the policy's own, which rejects the program."""
    return Finding(tool="policy", rule=rule, severity="error", message=message, line=line)
