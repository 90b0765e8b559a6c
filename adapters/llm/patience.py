"""How long to wait for a model server, and how much to take from it."""

from __future__ import annotations

from dataclasses import dataclass

# Raw bytes of one response. A streamed token takes about 250 bytes, so this is far beyond any honest answer.
MAX_RESPONSE_BYTES = 32 * 1024**2
# Characters of one answer.
MAX_ANSWER_CHARACTERS = 1024**2


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `total` is for one answer, its repair included, from the moment a slot is free.

    `first_token` covers the server's own queue and the reading of the prompt, `idle` the gap between two tokens:
    a server that died in the middle of a sentence is noticed after `idle`, not after `total`.
    """

    total: float = 60.0
    first_token: float = 40.0
    idle: float = 20.0
    connect: float = 5.0

    @classmethod
    def within(cls, total: float) -> Patience:
        """Patience for answers that may take `total` seconds: two thirds of it for the first token, a third idle."""
        return cls(total=total, first_token=total * 2 / 3, idle=total / 3, connect=min(5.0, total))
