"""The critic: policy, ruff and bandit, without a model, in a fraction of a second."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from adapters.critic.policy import DEFAULT, load_policy, text_findings
from adapters.ports import Critic, Review
from schemas.analyses import Finding
from schemas.errors import SetupError

_TIMEOUT = 10.0
_MOST = 50
_LINE = 1 << 20  # bytes of one answer of the inspector
_ORDER = {"error": 0, "warning": 1, "info": 2}


class RuffBanditCritic(Critic):
    """Reviews programs by a policy file. One inspector process is kept; it is replaced when it dies or hangs.

    Raises SetupError when ruff is not installed or the policy is not usable.
    """

    def __init__(self, policy: Path = DEFAULT) -> None:
        self._path = policy
        self._policy = load_policy(policy)
        self._ruff = _find_ruff()
        self._inspector: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def review(self, code: str) -> Review:
        """Never raises for what the code is: what cannot be checked in time is a finding that rejects it."""
        found = text_findings(code, self._policy)
        if not found:
            by_ruff, by_inspector = await asyncio.gather(self._run_ruff(code), self._inspect(code))
            syntax = any(finding.tool == "syntax" for finding in by_inspector)
            # Both report a syntax error; Python's own message is the one its user knows.
            found = by_inspector if syntax else [*by_inspector, *by_ruff]
        ordered = sorted(_distinct(found), key=lambda finding: (_ORDER[finding.severity], finding.line or 0))
        return Review(approved=all(finding.severity != "error" for finding in found), findings=tuple(ordered[:_MOST]))

    async def _run_ruff(self, code: str) -> list[Finding]:
        command = ("check", "--isolated", "--no-cache", "--ignore-noqa", "--quiet", "--output-format", "json")
        select = ",".join(self._policy.ruff.select)
        process = await asyncio.create_subprocess_exec(
            self._ruff,
            *command,
            *("--target-version", "py311", "--select", select, "--stdin-filename", "program.py", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer, _ = await process.communicate(code.encode())
            found = json.loads(answer)
        except (TimeoutError, ValueError) as error:
            return [_unchecked("ruff", error)]
        finally:
            await _end(process)
        return [self._ruff_finding(item) for item in found]

    def _ruff_finding(self, item: dict[str, object]) -> Finding:
        rule = str(item["code"] or "invalid-syntax")
        location = item.get("location")
        line = location.get("row") if isinstance(location, dict) else None
        severity = self._policy.ruff.severity(rule)
        return Finding(tool="ruff", rule=rule, severity=severity, message=str(item["message"]), line=line)

    async def _inspect(self, code: str) -> list[Finding]:
        async with self._turn:
            process = self._inspector
            if process is None or process.returncode is not None:
                process = self._inspector = await self._start_inspector()
            answered = False
            try:
                async with asyncio.timeout(_TIMEOUT):
                    answer = await _ask(process, code)
                answered = True
            except (TimeoutError, ConnectionError, ValueError) as error:
                return [_unchecked("policy", error)]
            finally:
                if not answered:  # cancelled, hanging or dead: its next answer would belong to another question
                    self._inspector = None
                    await _end(process)
        return [Finding.model_validate(item) for item in answer]

    async def _start_inspector(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "adapters.critic.inspector", str(self._path.resolve())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.defpath},
        )

    async def close(self) -> None:
        async with self._turn:
            if self._inspector is not None:
                await _end(self._inspector)
                self._inspector = None


def _find_ruff() -> str:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        raise SetupError("the critic needs ruff, which is not installed")
    return ruff


async def _ask(process: asyncio.subprocess.Process, code: str) -> list[dict[str, object]]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(code).encode() + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise ConnectionError("the inspector died")
    answer: list[dict[str, object]] = json.loads(line)
    return answer


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _unchecked(tool: str, error: Exception) -> Finding:
    message = f"the code could not be checked ({type(error).__name__}); make it smaller and simpler"
    return Finding.model_validate({"tool": tool, "rule": "unchecked", "severity": "error", "message": message})


def _distinct(found: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(found))
