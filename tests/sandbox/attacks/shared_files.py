# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Boxes have the files of Python and its libraries in common: who opens one, or holds one up, must stay unknown.
import ctypes
import errno
import fcntl

libc = ctypes.CDLL(None, use_errno=True)
FILE = os.__file__
file, directory = os.open(FILE, os.O_RDONLY), os.open(os.path.dirname(FILE), os.O_RDONLY)
watcher = libc.inotify_init()
report("inotify", watcher >= 0 and libc.inotify_add_watch(watcher, os.fsencode(FILE), 0x20) >= 0)
report("inotify1", libc.inotify_init1(0) >= 0)
report("fanotify", libc.fanotify_init(0, 0) >= 0)
for probe, action in {
    "dnotify": lambda: fcntl.fcntl(directory, 1026, 0x80000001),
    "dnotify-high-bits": lambda: libc.fcntl(directory, ctypes.c_long(1026 | 1 << 40), 1) and 1 / 0,
    "lease": lambda: fcntl.fcntl(file, 1024, fcntl.F_RDLCK),
    "flock": lambda: fcntl.flock(file, fcntl.LOCK_EX),
    "lock-for-writing": lambda: fcntl.lockf(file, fcntl.LOCK_EX),
}.items():
    try:
        action()
    except (OSError, ZeroDivisionError) as error:
        report(probe, False, error)
    else:
        report(probe, True)
with open("/tmp/own", "w") as own:
    fcntl.lockf(own, fcntl.LOCK_EX)  # of its own it may lock what it wants
    report("errno", ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS), ctypes.get_errno())
