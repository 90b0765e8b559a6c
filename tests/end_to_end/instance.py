"""A real instance in a process of its own, as `vaultra up` starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

VAULTRA = str(Path(sys.executable).with_name("vaultra"))


class Instance:
    """Starts on a free port over `data_dir`; can be killed and started again."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Instance:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VAULTRA_")},
            "VAULTRA_DATA_DIR": str(self.data_dir),
            "VAULTRA_PORT": "0",
            "VAULTRA_LOG_FORMAT": "json",
            **self._settings,
        }
        self.output = (self.data_dir.parent / "instance.log").open("ab")
        self._process = subprocess.Popen([VAULTRA, "up"], env=environment, stdout=self.output, stderr=self.output)
        deadline = time.monotonic() + 110
        announced = self.data_dir / "instance.json"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the instance ended: {self.log()}")
            try:
                found = json.loads(announced.read_text())
                if found["pid"] == self._process.pid:
                    self.url = found["url"]
                    return self
            except (OSError, ValueError):
                pass
            time.sleep(0.02)  # another process: there is nothing here to wait on
        raise RuntimeError(f"the instance did not come up: {self.log()}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.data_dir.parent / "instance.log").read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.output.close()

    def stop(self) -> float:
        """SIGTERM; the seconds it took."""
        assert self._process is not None
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)
        self.output.close()
        return time.monotonic() - started

    @property
    def returncode(self) -> int | None:
        assert self._process is not None
        return self._process.returncode

    def client(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60, headers=headers)

    def wait_finished(self, job_ids: list[str], timeout: float = 90.0) -> dict[str, dict[str, Any]]:
        """The details of the jobs once each has ended, by following each one's live feed to its end."""
        details = {}
        with self.client() as client:
            for job_id in job_ids:
                with client.stream("GET", f"/v1/jobs/{job_id}/events", timeout=timeout) as response:
                    assert response.status_code == 200, response.read()
                    last = [line[4:] for line in response.iter_lines() if line.startswith("id: ")][-1]
                details[job_id] = client.get(f"/v1/jobs/{job_id}", params={"wait_for": last}).json()
        return details
