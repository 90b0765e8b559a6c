"""`vaultra demo` from a warm install: time to the first answer, and the memory of the whole process tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from bench.result import Result


def tree_memory(process: psutil.Process) -> int:
    """Proportional memory (PSS) of a process and all below it, bytes: pages shared by several count once in all."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            rollup = Path(f"/proc/{member.pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found.group(1)) * 1024 if found else 0
    return total


def run() -> list[Result]:
    """One demo on an empty data directory."""
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-", dir=Path.cwd() / ".cache") as folder:
        started = time.monotonic()
        demo = subprocess.Popen(
            [str(Path(sys.executable).with_name("vaultra")), "demo"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "VAULTRA_DATA_DIR": folder, "VAULTRA_PORT": "0"},
        )
        assert demo.stdout is not None
        first: list[float] = []
        lines: list[str] = []

        def watch() -> None:
            for line in demo.stdout or ():
                lines.append(line)
                if not first and re.search(r"[●○]", line):
                    first.append(time.monotonic() - started)

        reader = threading.Thread(target=watch)
        reader.start()
        peak = 0
        root = psutil.Process(demo.pid)
        while demo.poll() is None:
            try:
                peak = max(peak, tree_memory(root))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.1)
        reader.join()
    if demo.returncode != 0:
        raise RuntimeError("the demo failed:\n" + "".join(lines))
    return [
        Result("demo: first answer on an empty data directory", round(first[0], 1), 20, "s", first[0] < 20, "≤"),
        Result("demo: peak memory of the process tree (PSS)", peak >> 20, 1536, "MiB", peak < 1536 << 20, "≤"),
    ]
