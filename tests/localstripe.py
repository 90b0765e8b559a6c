"""localstripe, a stateful stand-in for Stripe by others (GPL), as a process in an environment of its own.

It is installed once into `.cache/localstripe`, and never imported: it talks HTTP, as Stripe does.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

VERSION = "1.15.10"
KEY = "sk_test_localstripe"
_HOME = Path(__file__).parents[1] / ".cache" / "localstripe"


def _installed() -> Path:
    """Its interpreter. Skips the test where neither a cache nor a package index is at hand."""
    python = _HOME / "bin" / "python"
    mark = _HOME / f"installed-{VERSION}"
    if mark.exists():
        return python
    _HOME.parent.mkdir(exist_ok=True)
    local = Path(sys.executable).with_name("uv")
    uv = str(local) if local.exists() else shutil.which("uv")
    wanted = f"localstripe=={VERSION}"
    if uv is not None:
        steps = [
            [uv, "venv", "-q", "--clear", "--python", sys.executable, str(_HOME)],
            [uv, "pip", "install", "-q", "--system-certs", "--python", str(python), wanted],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", "--clear", str(_HOME)],
            [str(python), "-m", "pip", "install", "-q", wanted],
        ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"localstripe {VERSION} cannot be installed: {done.stderr.strip()[-300:]}")
    mark.touch()
    return python


class LocalStripe:
    """A running localstripe. `url` is its API base."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [str(_installed()), "-m", "localstripe", "--port", str(port), "--from-scratch"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=_HOME,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx2.get(f"{self.url}/v1/charges", auth=(KEY, ""))
                return
            except httpx2.TransportError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    pytest.skip("localstripe does not start here (it listens on IPv6 and IPv4)")
                time.sleep(0.05)  # another process: there is nothing here to wait on

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    async def post(self, path: str, **form: Any) -> dict[str, Any]:
        """Make something; its JSON."""
        async with httpx2.AsyncClient(base_url=self.url, auth=(KEY, ""), timeout=30) as client:
            response = await client.post(path, data=form)
            assert response.status_code == 200, response.text
            return response.json() if response.content else {}

    async def forget(self) -> None:
        async with httpx2.AsyncClient(base_url=self.url, auth=(KEY, "")) as client:
            await client.delete("/_config/data")
