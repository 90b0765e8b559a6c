"""How long the faults last: with `FAULTS=full` (`make faults`) as long as the real ones, else each once and short."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

FULL = os.environ.get("FAULTS") == "full"


def either(full: T, short: T) -> T:
    """Seconds, repeats or events of a fault."""
    return full if FULL else short
