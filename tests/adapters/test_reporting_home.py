"""Libraries that report to their makers are told not to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["adapters.minilm", "adapters.vision.reading.models"])
def test_nothing_is_kept_to_report_when_models_are_loaded(module: str, tmp_path: Path) -> None:
    """Without the settings of a build machine, which silence such reports by themselves."""
    subprocess.run(
        [sys.executable, "-B", "-c", f"import {module}; import onnxruntime; onnxruntime.get_available_providers()"],
        cwd=PROJECT,
        env={"HOME": str(tmp_path), "PATH": os.defpath},
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []
