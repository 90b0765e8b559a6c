# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
X86 = {"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438}
X86 |= {"io_uring_setup": 425, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "add_key": 248, "keyctl": 250}
X86 |= {"request_key": 249, "init_module": 175, "finit_module": 313, "kexec_load": 246, "iopl": 172, "ioperm": 173}
X86 |= {"open_by_handle_at": 304, "name_to_handle_at": 303, "fanotify_init": 300, "quotactl": 179, "reboot": 169}
X86 |= {"swapon": 167, "acct": 163, "sethostname": 170, "setdomainname": 171, "syslog": 103, "vhangup": 153}
X86 |= {"personality": 135, "modify_ldt": 154, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166}
X86 |= {"pivot_root": 155, "chroot": 161, "clone3": 435, "vmsplice": 278, "splice": 275, "seccomp": 317, "openat2": 437}
X86 |= {"memfd_secret": 447, "fsopen": 430, "open_tree": 428, "mount_setattr": 442, "listmount": 458, "unknown": 999}
if os.uname().machine == "x86_64":
    for name, number in X86.items():
        ctypes.set_errno(0)
        answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
        refused = answer == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)
        report(name, not refused, f"{answer} {ctypes.get_errno()}")
    # Device nodes, set-id bits by every way in, another process's limits, the terminal.
    for name, call in {
        "mknod-block": (133, b"/tmp/disk", 0o060666, 0x0801),
        "mknodat-char": (259, -100, b"/tmp/null", 0o020666, 0x0103),
        "fchmodat-setuid": (268, -100, b"/tmp/file", 0o4755),
        "fchmodat2-setuid": (452, -100, b"/tmp/file", 0o4755, 0),
        "open-setuid": (2, b"/tmp/setuid", os.O_CREAT | os.O_WRONLY, 0o4755),
        "creat-setgid": (85, b"/tmp/setgid", 0o2755),
        "prlimit-init": (302, 1, 7, ctypes.byref((ctypes.c_ulong * 2)(1, 1)), None),
        "tiocsti": (16, 0, 0x5412, b"x"),
        "tiocsti-high-bits": (16, 0, 0x100005412, b"x"),
        "tioclinux": (16, 0, 0x541C, b"\x03"),
        "tiocsetd": (16, 0, 0x5423, b"\0\0\0\0"),
    }.items():
        open("/tmp/file", "w").close()
        number, *arguments = call
        ctypes.set_errno(0)
        cast = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        answer = libc.syscall(ctypes.c_long(number), *cast)
        report(name, answer != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS), ctypes.get_errno())
