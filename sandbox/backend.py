"""What every sandbox backend offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.ports import SandboxOutcome
from sandbox.limits import Limits

Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can enforce on this machine, found out by running a canary program.

    `controls` hold; `missing` are required controls that do not, with the reason. `available` is whether programs
    are run: nothing is missing, or what is missing was allowed to be.
    """

    backend: str
    available: bool
    controls: tuple[str, ...]
    missing: tuple[str, ...] = ()
    detail: str | None = None


class Box(Protocol):
    """A started box without an untrusted byte in it. Used once, by the thread that prepared it."""

    def run(self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str]) -> SandboxOutcome:
        """Let the program run to its end, in whatever way it ends, and destroy the box."""

    def destroy(self) -> None:
        """Kill whatever is in the box and remove everything it left on the host. Safe to call twice."""


class SandboxBackend(Protocol):
    """A way to run untrusted code behind walls. Blocking: the async face is `sandbox.runner`."""

    @property
    def name(self) -> str: ...

    def probe(self) -> Capabilities:
        """Run the canary (cached)."""

    def prepare(self, limits: Limits) -> Box:
        """Start a box. Raises SandboxUnavailable when a required control does not hold."""
