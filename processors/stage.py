"""The declaration of a stage: what it is called, consumes, emits and needs, checked when it is declared."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import SetupError

StageFunction = Callable[..., Awaitable[Sequence[EventData]]]
# What a stage emits in place of its outputs when a delivery is given up: (event, reason) → data.
GivingUp = Callable[[Event[Any], str], Sequence[EventData]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as declared. `timeout` in seconds per attempt; `retries` after the first attempt.

    `ports` are the names of the function's keyword-only parameters: each is filled from the composition root.
    """

    name: str
    version: int
    consumes: tuple[type[EventData], ...]
    emits: tuple[type[EventData], ...]
    timeout: float
    retries: int
    function: StageFunction
    ports: tuple[str, ...]
    gives_up: GivingUp | None

    async def __call__(self, event: Event[Any], ports: Mapping[str, Any]) -> Sequence[EventData]:
        """Run the function. Raises SetupError when it returns an event it did not declare."""
        outputs = tuple(await self.function(event, **{name: ports[name] for name in self.ports}))
        self.check_outputs(outputs)
        return outputs

    def check_outputs(self, outputs: Iterable[EventData]) -> None:
        for output in outputs:
            if type(output) not in self.emits:
                raise SetupError(f"stage {self.name} returned {type(output).__name__}, which it does not declare")

    def check_ports(self, ports: Mapping[str, Any]) -> None:
        """Raises SetupError when a needed port is not there."""
        missing = [name for name in self.ports if name not in ports]
        if missing:
            raise SetupError(f"stage {self.name} needs ports that are not configured: {', '.join(missing)}")


def stage(
    name: str,
    *,
    consumes: Sequence[type[EventData]],
    emits: Sequence[type[EventData]],
    timeout: float,
    retries: int,
    version: int = 1,
    gives_up: GivingUp | None = None,
) -> Callable[[StageFunction], Stage]:
    """Declare a stage: `async def f(event, *, port, port) -> Sequence[EventData]`. Raises SetupError on misuse."""

    def declare(function: StageFunction) -> Stage:
        if not name.isidentifier():
            raise SetupError(f"stage name {name!r} is not an identifier")
        if not consumes:
            raise SetupError(f"stage {name} consumes nothing")
        if timeout <= 0 or retries < 0 or version < 1:
            raise SetupError(f"stage {name}: timeout must be positive, retries not negative, version at least 1")
        if not inspect.iscoroutinefunction(function):
            raise SetupError(f"stage {name} is not an async function")
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters or parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise SetupError(f"stage {name} must take the event first")
        if any(p.kind is not inspect.Parameter.KEYWORD_ONLY for p in parameters[1:]):
            raise SetupError(f"stage {name}: ports are keyword-only parameters")
        return Stage(
            name=name,
            version=version,
            consumes=tuple(consumes),
            emits=tuple(emits),
            timeout=timeout,
            retries=retries,
            function=function,
            ports=tuple(p.name for p in parameters[1:]),
            gives_up=gives_up,
        )

    return declare
