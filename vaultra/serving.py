"""The HTTP server inside the process: starts, says where it listens, stops gracefully."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

import uvicorn

from api.app import create_app, create_operation
from schemas.errors import SetupError
from vaultra.composition import EVERYTHING, Parts, Program, StartupProgress, open_program
from vaultra.garbage import settle_garbage_collection
from vaultra.instance import announce, exclusive
from vaultra.settings import Settings

# A request under way gets this long before the server ends it; the stages' own grace comes after.
REQUEST_GRACE = 4


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the command decides what a signal means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Bound and not listening, a port can be bound by two; the second must fail now, not after start-up.
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise SetupError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Set VAULTRA_PORT (0 takes a free one)."
        ) from error
    return listener


def _url(host: str, listener: socket.socket) -> str:
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


@asynccontextmanager
async def serving(
    settings: Settings,
    progress: StartupProgress = lambda words, done: None,
    *,
    shared: bool = True,
    parts: Parts = EVERYTHING,
) -> AsyncIterator[tuple[Program, str]]:
    """A whole instance – stages, projections, API –, or parts of one, and the URL where it answers.

    A `shared` one is announced to commands started beside it; one that ends with its command is not, nor are parts.
    Without the API, health and metrics are what is served.

    Raises SetupError when the data directory or the port is taken.
    """
    if parts != EVERYTHING and not settings.database_url.get_secret_value():
        raise SetupError("processes of their own need a database they share: set VAULTRA_DATABASE_URL")
    with exclusive(settings.data_dir) if parts == EVERYTHING else nullcontext():
        listener = _listen(settings.host, settings.port)
        try:
            async with open_program(settings, progress, parts) as program:
                config = uvicorn.Config(
                    create_app(program.services) if parts.api else create_operation(program.services),
                    log_config=None,
                    access_log=False,
                    lifespan="off",
                    server_header=False,
                    timeout_graceful_shutdown=REQUEST_GRACE,
                )
                server = _Server(config)
                task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
                try:
                    while not server.started:
                        if task.done():
                            task.result()
                            raise SetupError("the HTTP server ended while it was starting")
                        await asyncio.sleep(0.01)
                    url = _url(settings.host, listener)
                    if shared and parts == EVERYTHING:
                        announce(settings.data_dir, url)
                    settle_garbage_collection()
                    yield program, url
                finally:
                    program.services.closing.set()
                    server.should_exit = True
                    await task
        finally:
            listener.close()


@contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stop()

    for number in signals:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
