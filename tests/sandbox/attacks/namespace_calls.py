# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# New namespaces and mounts, by the calls that programs for it use, with arguments that mean something.
import ctypes
import signal

libc = ctypes.CDLL(None, use_errno=True)
NEW = {"time": 0x80, "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000}
NEW |= {"pid": 0x20000000, "net": 0x40000000}
X86 = os.uname().machine == "x86_64"
for name, flag in NEW.items():
    report(f"unshare-{name}", libc.unshare(flag) == 0)
    if X86 and name != "time":  # the low byte of clone's flags is a signal
        child = libc.syscall(56, ctypes.c_ulong(flag | signal.SIGCHLD), 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        report(f"clone-{name}", child > 0)
    arguments = (ctypes.c_uint64 * 11)(flag, 0, 0, 0, int(signal.SIGCHLD))
    child = libc.syscall(435, arguments, 88)
    if child == 0:
        os._exit(0)
    report(f"clone3-{name}", child > 0)
for place in os.listdir("/proc/self/ns"):
    namespace = os.open(f"/proc/1/ns/{place}", os.O_RDONLY) if os.path.exists(f"/proc/1/ns/{place}") else -1
    report(f"setns-{place}", namespace >= 0 and libc.setns(namespace, 0) == 0)
process = libc.syscall(434, os.getppid(), 0)  # pidfd_open
report("setns-pidfd", libc.setns(process, 0x7E020000) == 0)
report("pidfd_getfd", libc.syscall(438, process, 0, 0) >= 0)
report("fsopen", libc.syscall(430, b"tmpfs", 0) >= 0)
report("open_tree", libc.syscall(428, -100, b"/tmp", 1) >= 0)
report("mount_setattr", libc.syscall(442, -100, b"/usr", 0x8000, (ctypes.c_uint64 * 4)(0, 1), 32) == 0)
report("remount", libc.mount(None, b"/usr", None, 0x1020, None) == 0)
report("bind", libc.mount(b"/tmp", b"/usr", None, 0x1000, None) == 0)
report("chroot", libc.chroot(b"/tmp") == 0)
