# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# A crash must not reach the host: neither as a core file nor through a program that core_pattern pipes it to. Only a
# limit of exactly 1 keeps the kernel from both, and it must stay 1.
import ctypes
import resource

libc = ctypes.CDLL(None, use_errno=True)


def core():
    """By the call itself: through prlimit64, which the library uses, this limit is not even read."""
    pair = (ctypes.c_ulong * 2)()
    number = {"x86_64": 97, "aarch64": 163}[os.uname().machine]
    return tuple(pair) if libc.syscall(number, 4, pair) == 0 else "unreadable"


report("limit", core() != (1, 1), core())
for wanted in ((0, 0), (0, 1), (1 << 30, 1 << 30)):
    for attempt in (
        lambda: resource.setrlimit(resource.RLIMIT_CORE, wanted),
        lambda: resource.prlimit(os.getpid(), resource.RLIMIT_CORE, wanted),
        lambda: libc.syscall({"x86_64": 160, "aarch64": 164}[os.uname().machine], 4, (ctypes.c_ulong * 2)(*wanted)),
    ):
        try:
            attempt()
        except (OSError, ValueError):
            pass
        report(f"changed-to-{wanted}", core() != (1, 1), core())
for _ in range(5):
    child = os.fork()
    if not child:
        libc.prctl(4, 1, 0, 0, 0)  # dumpable
        ctypes.string_at(0)
    report("dumped", os.WCOREDUMP(os.waitpid(child, 0)[1]))
