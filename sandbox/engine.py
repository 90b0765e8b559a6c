"""Which Docker engine is meant. Apart from what talks to it: settings need the one and not the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Runtime = Literal["runsc", "runc"]


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the engine listens, and the runtime its containers get. `runc` shares the host's kernel with them."""

    url: str = "unix:///var/run/docker.sock"
    runtime: Runtime = "runsc"
