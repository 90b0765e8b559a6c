"""The garbage collector of a process that serves."""

from __future__ import annotations

import gc


def settle_garbage_collection() -> None:
    """Call once everything is imported and wired.

    A server holds every request under way, so Python's default – look for cycles after each 700 objects more – runs
    several times per batch of requests: measured, a fifth of the time of a small durable append over HTTP. What lives
    as long as the process is not looked at again at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
