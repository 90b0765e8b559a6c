"""One instance for the tests that only use it, data directories for others, and pictures that differ in a stamp."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from sandbox.root_tree import RootTree
from tests.end_to_end.instance import Instance

SAMPLES = Path(str(files("vaultra") / "samples"))


@pytest.fixture(scope="session")
def used_before(postgres_cluster: Path, root_tree: RootTree) -> Callable[[Path], Path]:
    """Makes a data directory as an earlier start left it: what a first one does takes most of its time."""

    def made(data_dir: Path) -> Path:
        subprocess.run(["cp", "-a", postgres_cluster, data_dir], check=True)
        (data_dir / root_tree.home.name).symlink_to(root_tree.home)
        return data_dir

    return made


@pytest.fixture
def data_dir(used_before: Callable[[Path], Path], tmp_path: Path) -> Path:
    return used_before(tmp_path / "data")


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    connecting = {"VAULTRA_STRIPE__CLIENT_ID": "ca_ours", "VAULTRA_STRIPE__API_KEY": "sk_test_unused"}
    # The one that starts with nothing, as a new user's does.
    running = Instance(tmp_path_factory.mktemp("instance") / "data", **connecting).start()
    yield running
    running.stop()


@pytest.fixture
def samples() -> list[dict[str, str]]:
    return json.loads((SAMPLES / "samples.json").read_text())


@pytest.fixture
def receipt() -> Callable[[int], bytes]:
    """A small receipt whose number makes it a picture of its own."""

    def draw(number: int) -> bytes:
        page = Image.new("RGB", (420, 300), "white")
        pen = ImageDraw.Draw(page)
        lines = (f"RECEIPT {number:05d}", "Coffee            3.50", "Bagel             4.25", "TOTAL USD         7.75")
        for row, line in enumerate(lines):
            left, _, right = line.partition("   ")
            pen.text((30, 30 + row * 55), left, fill="black", font_size=26)
            pen.text((300, 30 + row * 55), right.strip(), fill="black", font_size=26)
        out = io.BytesIO()
        page.save(out, "PNG")
        return out.getvalue()

    return draw
