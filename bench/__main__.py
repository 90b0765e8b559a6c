"""`make bench`: every measurement with its target, as ratios of things measured in one run.

python -m bench              all of them
python -m bench append_http  only these
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

PARTS = (
    "append_http",
    "webhooks",
    "import",
    "pipeline",
    "projections",
    "metrics",
    "kafka_log",
    "kafka_pipeline",
    "sandbox",
    "demo",
)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        print(f"unknown: {', '.join(unknown)}. There are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    Path(".cache").mkdir(exist_ok=True)
    console = Console()
    table = Table("measurement", "measured", "target", "", "note", title="Vaultra, measured on this machine")
    missed = 0
    for name in names or PARTS:
        started = time.monotonic()
        console.print(f"[dim]· {name} …[/]")
        results = importlib.import_module(f"bench.{name}").run()
        console.print(f"[dim]· {name} took {time.monotonic() - started:.0f} s[/]")
        for result in results:
            if result.target is None:
                target, mark = "", ""
            else:
                target, mark = f"{result.target:g} {result.unit}", "[green]✓[/]" if result.passed else "[red]✗[/]"
                missed += not result.passed
            table.add_row(result.name, f"{result.value:,g} {result.unit}", target, mark, result.note)
    console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
