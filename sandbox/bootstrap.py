"""Runs inside the box as its process 1, from the read-only root tree.

It limits itself, says it is ready, and waits until the other side has seen to everything. A child becomes the program;
process 1 stays to collect orphans and to pass the program's status on. Signals from inside a process
namespace do not reach a process 1 that handles none, so the program cannot stop or kill it, and when it ends, the
kernel ends every process that is left.

    bootstrap.py CHANNEL LIMITS [MODULE…]

CHANNEL is the descriptor to speak on, a socket; `FD:NOTIFIER:CALL` also names one to read the filter from that tells of
refused calls, and the number of the system call that installs it. Where a box has its three standard streams only, it
is `stdin:SECONDS`: ready is said on standard output, the order comes on standard input, and the box ends when that does
(whoever started it is gone) or after so many seconds. LIMITS are `RLIMIT_X=n` joined by commas, modules are imported
beforehand. It imports next to nothing itself: each run waits for it (`signal` and `json` alone cost as much as all the
rest).
"""

import _signal  # type: ignore[import-not-found]  # without the enums that `signal` builds
import _sitebuiltins
import builtins
import gc
import io
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to load than all the rest
    import types
    from typing import NoReturn

PROGRAM = "/program/main.py"
SET_MODE_FILTER, NEW_LISTENER = 1, 8  # of seccomp(2)
SITE_PACKAGES = f"{sys.prefix}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def limit(limits: str) -> None:
    for entry in limits.split(","):
        name, _, value = entry.partition("=")
        resource.setrlimit(getattr(resource, name), (int(value), int(value)))


def notifications(notifier: int, call: int) -> int:
    """Install the filter that names refused calls; returns the descriptor they are told on."""
    import _ctypes  # `ctypes` takes four times as long to load

    class Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]  # generic for type checkers only
        _type_ = "B"

    program = os.read(notifier, 1 << 16)

    class Block(_ctypes.Array):  # type: ignore[type-arg]  # the same
        _type_, _length_ = Byte, len(program)

    block = Block.from_buffer_copy(program)
    # struct sock_fprog: a count of instructions, and where they are.
    described = (len(program) // 8).to_bytes(8, "little") + _ctypes.addressof(block).to_bytes(8, "little")
    syscall = _ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall")  # type: ignore[arg-type]  # None is the program itself
    listener = int(_ctypes.call_cdeclfunction(syscall, (call, SET_MODE_FILTER, NEW_LISTENER, described)))
    if listener < 0:
        sys.exit("the system call filter cannot be completed")
    return listener


def hand_over(listener: int, say: int) -> None:
    """Send the listener to the other side; it is then no longer in the box.

    Before our own limits: the one on open files also limits how many descriptors all processes of our user on the host
    have on their way (unix(7), ETOOMANYREFS), which other boxes of an ordinary user would use up.
    """
    import _socket

    speaker = _socket.socket(fileno=say)
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, listener.to_bytes(4, "little"))
    speaker.sendmsg([b"listener\n"], [rights])
    speaker.detach()
    os.close(listener)


def released(listen: int) -> list[str]:
    """Read the order to start: `NAME=value` of the environment, then `go`, each ended by NUL. An end
    before that means that the other side is gone."""
    order = b"\0"
    while not order.endswith(b"\0go\0"):
        part = os.read(listen, 65536)
        if not part:
            os._exit(0)
        order += part
    return [entry.decode() for entry in order.split(b"\0")[1:-2]]


def end_with(listen: int, seconds: float) -> None:
    """Watch from a thread of process 1, where the program cannot reach it."""
    import _thread
    import select
    import time

    def watch() -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([listen], [], [], left)[0] and not os.read(listen, 65536):
                break
        os._exit(128 + _signal.SIGKILL)

    _thread.start_new_thread(watch, ())


def wait_for(program: int) -> None:
    """Collect every child until the program has ended, and end as it did (128 + signal where a signal ended it)."""
    while True:
        child, status = os.wait()
        if child == program:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def become_program(environment: list[str]) -> None:
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    for entry in environment:
        name, _, value = entry.partition("=")
        os.environ[name] = value
    sys.path.append(SITE_PACKAGES)
    sys.argv = [PROGRAM]
    # Line by line, so that what was printed before a time-out is not lost with the buffer.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    main = type(sys)("__main__")
    main.__file__ = PROGRAM
    sys.modules["__main__"] = main
    try:
        with open(PROGRAM, "rb") as file:
            source = file.read().decode()
        # From text, not bytes: an encoding cookie must not make the code another than the one that was reviewed.
        exec(compile(source, PROGRAM, "exec", dont_inherit=True), main.__dict__)
    except SystemExit as wish:
        leave(main, wish.code)
    except BaseException as error:
        # Only the program's own frames: the first one of the traceback is this function's.
        error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        sys.excepthook(type(error), error, error.__traceback__)
        leave(main, 1)
    leave(main, 0)


def leave(main: "types.ModuleType", wish: object) -> "NoReturn":
    """End as the interpreter ends – threads, exit functions, the program's own objects and with them its open files,
    output – but do not take the libraries apart: with pandas loaded that alone takes longer than most programs."""
    import atexit

    code = 0 if wish is None else wish & 0xFF if isinstance(wish, int) else 1
    if code and not isinstance(wish, int):
        print(wish, file=sys.stderr)
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    main.__dict__.clear()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            code = code or 120  # as the interpreter does
    os._exit(code)


def load(modules: list[str]) -> None:
    sys.path.append(SITE_PACKAGES)
    for module in modules:
        __import__(module)
    sys.path.pop()
    # What is loaded is none of the program's garbage collection's business.
    gc.freeze()


def start_on_socket(channel: list[int], limits: str, modules: list[str]) -> None:
    """Fork first: process 1 stays small, and nothing that was loaded has to be copied or taken apart twice."""
    program = os.fork()
    if program:
        for descriptor in channel[:2]:
            os.close(descriptor)
        wait_for(program)
    load(modules)
    speak, *naming = channel
    if naming:
        notifier, call = naming
        hand_over(notifications(notifier, call), speak)
        os.close(notifier)
    limit(limits)
    os.write(speak, b"ready\n")
    environment = released(speak)
    os.close(speak)
    become_program(environment)


def start_on_streams(seconds: float, limits: str, modules: list[str]) -> None:
    """Fork last: until the order has come, process 1 must not read what it is to watch from then on."""
    load(modules)
    limit(limits)
    os.write(1, b"ready\n")
    environment = released(0)
    program = os.fork()
    if program:
        end_with(0, seconds)
        wait_for(program)
    os.close(0)
    os.open("/dev/null", os.O_RDONLY)  # the lowest free number: standard input
    become_program(environment)


def start() -> None:
    channel, limits, *modules = sys.argv[1:]
    # Process 1 must handle no signal at all, or the program could reach it.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    first, *rest = channel.split(":")
    if first == "stdin":
        start_on_streams(float(rest[0]), limits, modules)
    else:
        start_on_socket([int(first), *map(int, rest)], limits, modules)


start()
