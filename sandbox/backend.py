"""What every sandbox backend offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from adapters.ports import SandboxOutcome
from sandbox.limits import Limits
from schemas.errors import SandboxUnavailable

# Told what getting ready is doing: (words, fraction done).
Progress = Callable[[str, float], None]


def silent(message: str, fraction: float) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can enforce on this machine, found out by running a canary program.

    `controls` hold; `missing` are required controls that do not, with the reason. `available` is whether programs
    are run: nothing is missing, or what is missing was allowed to be. `detail` says why they are not.
    """

    backend: str
    available: bool
    controls: tuple[str, ...]
    missing: tuple[str, ...] = ()
    detail: str | None = None


class Box(Protocol):
    """A started box without an untrusted byte in it. Used once, by one thread at a time."""

    @property
    def limits(self) -> Limits:
        """What it was made for; nothing else may run in it."""

    @property
    def controls(self) -> tuple[str, ...]:
        """What is enforced on it, read back from the outside before any untrusted byte went in."""

    def alive(self) -> bool:
        """Whether it still waits for its program: the kernel may have ended it in the meantime."""

    def run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], cancelled: int | None = None
    ) -> SandboxOutcome:
        """Let the program run to its end, in whatever way it ends. `cancelled` is a descriptor that becomes readable
        to stop it. Never raises for what the program does; `destroy` comes after it in any case."""

    def destroy(self) -> None:
        """Kill whatever is in the box and remove everything it left on the host. Safe to call twice."""


@contextmanager
def destroyed_on_failure(box: Box) -> Iterator[None]:
    """Sets a box up: where that fails nothing of it is left. Raises SandboxUnavailable for an OSError."""
    try:
        yield
    except OSError as error:
        box.destroy()
        raise SandboxUnavailable(f"a box cannot be set up: {error}") from error
    except BaseException:
        box.destroy()
        raise


class SandboxBackend(Protocol):
    """A way to run untrusted code behind walls. Blocking and safe to call from several threads; the async face, with
    queue and warm boxes, is `sandbox.runner`. A new one is added to `sandbox.backends`."""

    @property
    def name(self) -> str: ...

    def probe(self, progress: Progress = silent) -> Capabilities:
        """Get ready, sweep up what killed processes left behind, and run the canary (`sandbox.canary`) in a box.

        Not cached: whoever asks remembers. Never raises SandboxUnavailable: `available` and `detail` tell.
        """

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> Box:
        """Start a box; only after a probe that said `available`. `preload` names modules that it should have loaded
        when it is ready, which makes starting it slower and running in it faster; a backend may leave that.

        Raises SandboxUnavailable when it cannot be started or a required control does not hold; nothing is left
        behind then.
        """

    def close(self) -> None:
        """Give up what boxes are made with. Every box has been destroyed before."""
