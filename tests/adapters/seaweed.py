"""A real S3-compatible store on free ports of this machine: SeaweedFS, from its wheel."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import S3Store

from adapters.s3_blob_store import Bucket

_WEED = str(Path(sys.executable).with_name("weed"))
_WRITER = {"accessKey": "AKWRITER", "secretKey": "of the writer"}
_READER = {"accessKey": "AKREADER", "secretKey": "of the reader"}


@dataclass(frozen=True)
class Seaweed:
    """The running store. `stop` and `resume` freeze it; its bucket is `vaultra`."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def bucket(self, prefix: str, *, name: str = "vaultra", key: dict[str, str] | None = None) -> Bucket:
        key = key or _WRITER
        return Bucket(
            url=f"s3://{name}/{prefix}",
            endpoint=self.endpoint,
            access_key_id=key["accessKey"],
            secret_access_key=key["secretKey"],
        )

    def reader(self, prefix: str) -> Bucket:
        """With keys that may not write."""
        return self.bucket(prefix, key=_READER)

    def raw(self, prefix: str) -> S3Store:
        """The bucket without the store under test in between."""
        return S3Store(
            "vaultra",
            prefix=prefix,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=_WRITER["accessKey"],
            secret_access_key=_WRITER["secretKey"],
            client_options={"allow_http": True},
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It still accepts connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def seaweed(directory: Path) -> Iterator[Seaweed]:
    """Starts it over `directory`; about three seconds until it takes the first object."""
    directory.mkdir(parents=True, exist_ok=True)
    identities = [
        {"name": "writer", "credentials": [_WRITER], "actions": ["Admin", "Read", "Write", "List"]},
        {"name": "reader", "credentials": [_READER], "actions": ["Read", "List"]},
    ]
    (directory / "s3.json").write_text(json.dumps({"identities": identities}))
    # Its gRPC ports are these plus 10000.
    master, volume, filer, s3 = _free_ports(4)
    command = [
        _WEED,
        "server",
        f"-dir={directory}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        f"-volume.port={volume}",
        "-volume.max=20",
        f"-filer.port={filer}",
        f"-filer.localSocket={directory / 'filer.sock'}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.config={directory / 's3.json'}",
        f"-s3.localSocket={directory / 's3.sock'}",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    with (directory / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=directory, env={"HOME": str(directory), "PATH": os.defpath}
        )
    try:
        running = Seaweed(f"http://127.0.0.1:{s3}", process)
        _wait_for_first_object(running, directory / "weed.log")
        yield running
    finally:
        process.kill()
        process.wait()


def _wait_for_first_object(running: Seaweed, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert running.process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            obstore.put(running.raw("started"), "first", b"object")
            return
        except (OSError, obstore.exceptions.BaseError):
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)  # another process: there is nothing here to wait on


def _free_ports(count: int) -> list[int]:
    """Ports below 32768, so that ten thousand more are free to use as well."""
    ports: list[int] = []
    candidate = 20_000 + os.getpid() % 10_000
    while len(ports) < count:
        candidate = 20_000 + (candidate - 20_000 + 1) % 12_000
        if _free(candidate) and _free(candidate + 10_000):
            ports.append(candidate)
    return ports


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
