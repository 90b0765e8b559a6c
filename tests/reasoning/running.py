"""Runs a compiled program in this process, with its two paths moved; only for programs this project compiled."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from schemas.documents import DocumentDescription
from schemas.results import Result, parse_result


def run(code: str, document: DocumentDescription, folder: Path, *, draw: bool = False) -> Result:
    source = folder / "document.json"
    source.write_text(document.model_dump_json(), encoding="utf-8")
    code = code.replace('"/inputs/document.json"', repr(str(source))).replace('"/tmp/out"', repr(str(folder)))
    if not draw:
        code = code.replace("    draw(answer)", "    pass")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "program.py", "exec"), {"__name__": "__main__"})
    return parse_result((folder / "result.json").read_text(encoding="utf-8"))
