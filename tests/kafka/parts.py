"""Vaultra as it is deployed on Kafka: `vaultra api`, `vaultra stage` and `vaultra project`, each a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx2

from tests.end_to_end.instance import VAULTRA


class Part:
    """A process of `vaultra ARGUMENTS --port …`; can be killed and started again on its port."""

    def __init__(self, *arguments: str, environment: dict[str, str], folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.output = folder / f"{'-'.join(arguments)}.log"
        self._command = [VAULTRA, *arguments, "--port", str(port)]
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Part:
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=file, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            try:
                if httpx2.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return self
            except httpx2.HTTPError:
                time.sleep(0.1)  # another process: there is nothing here to wait on

    def end(self, number: signal.Signals) -> int:
        """Send a signal that ends it, and wait; the exit code, negative for a signal."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def log(self) -> str:
        return self.output.read_text(errors="replace")[-3000:]


def environment_of(bootstrap_servers: str, prefix: str, database_url: str, data_dir: Path) -> dict[str, str]:
    """Settings that all parts share."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("VAULTRA_")},
        "VAULTRA_RUNTIME": "kafka",
        "VAULTRA_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "VAULTRA_KAFKA__PREFIX": prefix,
        "VAULTRA_DATABASE_URL": database_url,
        "VAULTRA_DATA_DIR": str(data_dir),
        "VAULTRA_LOG_FORMAT": "json",
    }
