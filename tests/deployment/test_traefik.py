"""The proxy's configuration, run by the real Traefik: one name gets in, over TLS, and feeds come as they are sent."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

_TRAEFIK = str(Path(sys.executable).with_name("traefik"))
_CONFIGURATION = Path(__file__).parents[2] / "deploy" / "traefik"


class _Upstream(BaseHTTPRequestHandler):
    """Says who asked; `/feed` sends one event and waits until the test lets it end."""

    ended = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        if self.path == "/feed":
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            self.ended.wait(20)
        else:
            seen = {name.lower(): value for name, value in self.headers.items()}
            self.wfile.write(f"{self.path} {seen.get('x-forwarded-proto')} {seen.get('x-real-ip')}".encode())

    def log_message(self, *arguments: object) -> None:
        pass


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """(port of http, port of https). As configured, but for ports, paths, and no certificate authority to ask."""
    directory = tmp_path_factory.mktemp("traefik")
    http_port, https_port, health = _port(), _port(), _port()
    static = yaml.safe_load((_CONFIGURATION / "traefik.yml").read_text())
    static["entryPoints"]["web"]["address"] = f"127.0.0.1:{http_port}"
    static["entryPoints"]["websecure"]["address"] = f"127.0.0.1:{https_port}"
    static["entryPoints"]["health"]["address"] = f"127.0.0.1:{health}"
    static["providers"]["file"]["directory"] = str(directory / "routes")
    del static["certificatesResolvers"]
    (directory / "traefik.yml").write_text(yaml.safe_dump(static))
    routes = (_CONFIGURATION / "routes" / "vaultra.yml").read_text()
    assert "tls: {certResolver: acme}" in routes
    (directory / "routes").mkdir()
    (directory / "routes" / "vaultra.yml").write_text(routes.replace("{certResolver: acme}", "{}"))

    upstream = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.defpath,
        "HOME": str(directory),
        "VAULTRA_DOMAIN": "vaultra.test",
        "VAULTRA_UPSTREAM": f"http://127.0.0.1:{upstream.server_port}",
    }
    command = [_TRAEFIK, f"--configFile={directory / 'traefik.yml'}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        check = [_TRAEFIK, "healthcheck", command[1]]
        while subprocess.run(check, env=environment, capture_output=True, check=False).returncode:
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < deadline, (directory / "log").read_text()
        while _ask(https_port, "vaultra.test", "/")[0] != 200:
            assert time.monotonic() < deadline, (directory / "log").read_text()
        yield http_port, https_port
    finally:
        process.kill()
        process.wait()
        _Upstream.ended.set()
        upstream.shutdown()
        upstream.server_close()


def _connect(port: int) -> http.client.HTTPSConnection:
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE  # its own certificate: there is no authority here
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting)


def _ask(port: int, host: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = _connect(port)
    connection.request("GET", path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.getheaders())
    connection.close()
    return found


def test_the_name_leads_to_the_api_when_asked_over_tls(proxy: tuple[int, int]) -> None:
    status, body, headers = _ask(proxy[1], "vaultra.test", "/v1/jobs", **{"X-Real-Ip": "10.0.0.1"})
    assert (status, body) == (200, "/v1/jobs https None")
    assert "max-age=31536000" in headers["Strict-Transport-Security"]


def test_no_other_name_gets_in(proxy: tuple[int, int]) -> None:
    assert _ask(proxy[1], "elsewhere.test", "/v1/jobs")[0] == 404


def test_plain_http_is_sent_to_tls(proxy: tuple[int, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy[0], timeout=10)
    connection.request("GET", "/v1/jobs", headers={"Host": "vaultra.test"})
    answer = connection.getresponse()
    assert answer.status in (301, 308)
    assert answer.getheader("Location") == "https://vaultra.test/v1/jobs"
    connection.close()


def test_a_live_feed_comes_as_it_is_sent(proxy: tuple[int, int]) -> None:
    connection = _connect(proxy[1])
    connection.request("GET", "/feed", headers={"Host": "vaultra.test"})
    with connection.getresponse() as answer:
        assert answer.readline() == b"data: first\n"  # its sender is still at it
        assert not _Upstream.ended.is_set()
        _Upstream.ended.set()
    connection.close()
