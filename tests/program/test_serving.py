"""The port is claimed before anything else starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from schemas.errors import SetupError
from vaultra.serving import serving
from vaultra.settings import load


async def test_serving_refuses_before_starting_anything_when_the_port_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = load({"data_dir": tmp_path / "data", "port": port})
        with pytest.raises(SetupError, match=f"127.0.0.1:{port} cannot be listened on.*VAULTRA_PORT"):
            async with serving(settings):
                pass
    # Neither a database nor a sandbox was begun.
    assert {path.name for path in (tmp_path / "data").iterdir()} <= {"instance.lock"}
