"""A server that appends durably, stores nothing, or runs one INSERT a request: loads that take turns, and their ratios.

fsync on, keep-alive connections. The three take turns, so that each ratio is of neighbours in time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.http_load import Load

WAYS = ("append", "nothing", "insert")
CONNECTIONS = 32
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Loads:
    """The loads of each way, in the order of the rounds."""

    of: dict[str, list[Load]]

    def rate(self, way: str) -> float:
        """Requests per second, the median of the rounds."""
        return statistics.median(load.rate for load in self.of[way])

    def ratio(self, other: str) -> float:
        """The rate of appending by another way's, the median of the rounds."""
        pairs = zip(self.of["append"], self.of[other], strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)

    def percentile(self, name: str) -> float:
        """Seconds an append took (`p50`, `p99`), the median of the rounds."""
        return statistics.median(getattr(load, name) for load in self.of["append"])


def taking_turns(load: Callable[[str, float], Load], seconds: float) -> Loads:
    """Warm every way up for a second, then load them in turn. `load` takes a way and seconds."""
    loads: dict[str, list[Load]] = {way: [] for way in WAYS}
    for way in WAYS:
        load(way, 1.0)
    for turn in range(ROUNDS):
        for index in range(len(WAYS)):
            way = WAYS[(turn + index) % len(WAYS)]
            loads[way].append(load(way, seconds))
    return Loads(loads)


@contextmanager
def data_dir() -> Iterator[Path]:
    """A folder on this disk: a temporary one may be in memory, where fsync costs nothing."""
    cache = Path(".cache").resolve()
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-", dir=cache) as folder:
        yield Path(folder)


@contextmanager
def server(module: str) -> Iterator[str]:
    """`python -m MODULE FOLDER` until the end; the line with which it says its ports."""
    with data_dir() as folder:
        process = subprocess.Popen([sys.executable, "-m", module, str(folder)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield process.stdout.readline()
        finally:
            process.terminate()
            process.communicate(timeout=30)
