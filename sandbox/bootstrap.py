"""Runs inside the box as its process 1, from the read-only root tree; imports nothing but the standard library.

It limits itself, says it is ready, waits until the other side has seen to everything, then forks: the child becomes
the program, process 1 stays to collect orphans and to pass the program's status on. Signals from inside a process
namespace do not reach a process 1 that handles none, so the program cannot stop or kill it, and when it ends, the
kernel ends every process that is left.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRAM = "/program/main.py"
SITE_PACKAGES = f"{sys.prefix}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def released(channel: int) -> dict[str, Any]:
    """Say ready, then wait for the order to start: one line of JSON. No order means the other side is gone."""
    os.write(channel, b"ready\n")
    order = b""
    while not order.endswith(b"\n"):
        part = os.read(channel, 65536)
        if not part:
            os._exit(0)
        order += part
    os.close(channel)
    message: dict[str, Any] = json.loads(order)
    return message


def wait_for(program: int) -> None:
    """Collect every child until the program has ended, and end as it did (128 + signal where a signal ended it)."""
    while True:
        child, status = os.wait()
        if child == program and not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def become_program(order: dict[str, Any]) -> None:
    import _sitebuiltins
    import builtins
    import types

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(order["env"])
    sys.path.append(SITE_PACKAGES)
    sys.argv = [PROGRAM]
    # Line by line, so that what was printed before a time-out is not lost with the buffer.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    main = types.ModuleType("__main__")
    main.__file__ = PROGRAM
    sys.modules["__main__"] = main
    try:
        with open(PROGRAM, "rb") as file:
            source = file.read().decode()
        # From text, not bytes: an encoding cookie must not make the code another than the one that was reviewed.
        exec(compile(source, PROGRAM, "exec", dont_inherit=True), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        # Only the program's own frames: the first one of the traceback is this function's.
        error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def start() -> None:
    channel, settings = int(sys.argv[1]), json.loads(sys.argv[2])
    # Process 1 must handle no signal at all, or the program could reach it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.path.append(SITE_PACKAGES)
    for module in settings["preload"]:
        __import__(module)
    sys.path.pop()
    limit(settings["rlimits"])
    order = released(channel)
    program = os.fork()
    if program:
        wait_for(program)
    become_program(order)


start()
