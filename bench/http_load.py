"""A load generator: keep-alive connections that each post the same body again as soon as they are answered.

Plain sockets on epoll, in a process of its own: it takes a third of the time asyncio's streams would, which the
server needs more on a machine with two cores. `python -m bench.http_load PORT PATH CONNECTIONS SECONDS` prints JSON.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

# About what a webhook or a small event is.
BODY = json.dumps({"kind": "invoice.paid", "amount": "149.00", "currency": "EUR", "note": "x" * 230}).encode()


@dataclass(frozen=True, slots=True)
class Load:
    """Requests per second, and latencies in seconds."""

    rate: float
    p50: float
    p99: float
    requests: int


def post(port: int, path: str, connections: int, seconds: float) -> Load:
    """Load the server with one request again and again."""
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    return post_each(port, lambda: request, connections, seconds)


def post_each(port: int, make: Callable[[], bytes], connections: int, seconds: float) -> Load:
    """Load the server for so long with the requests that `make` gives, not counting what is answered in the first
    fifth. Raises on any answer but 2xx."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    sent: dict[int, float] = {}
    for _ in range(connections):
        connected = socket.create_connection(("127.0.0.1", port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[connected.fileno()] = connected
        poll.register(connected, select.EPOLLIN)
    clock = time.perf_counter
    started = clock()
    counting, end = started + seconds / 5, started + seconds
    for number, connected in sockets.items():
        connected.sendall(make())
        sent[number] = clock()
    latencies: list[float] = []
    pieces: dict[int, bytes] = {}
    while (now := clock()) < end:
        for number, _ in poll.poll(1.0):
            data = pieces.pop(number, b"") + sockets[number].recv(65536)
            if not _whole(data):
                pieces[number] = data
                continue
            if not data.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"the server answered {data[:400]!r}")
            now = clock()
            if now > counting:
                latencies.append(now - sent[number])
            sent[number] = now
            sockets[number].sendall(make())
    elapsed = now - counting
    for connected in sockets.values():
        connected.close()
    latencies.sort()
    count = len(latencies)
    return Load(count / elapsed, latencies[count // 2], latencies[count * 99 // 100], count)


def _whole(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        if not data:
            raise RuntimeError("the server closed the connection")
        return False
    at = head.lower().index(b"content-length:") + len("content-length:")
    return len(body) >= int(head[at:].split(b"\r\n", 1)[0])


def post_from_another_process(port: int, path: str, connections: int, seconds: float) -> Load:
    command = [sys.executable, "-m", "bench.http_load", str(port), path, str(connections), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Load(**json.loads(done.stdout))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(json.dumps(asdict(post(int(arguments[0]), arguments[1], int(arguments[2]), float(arguments[3])))))
