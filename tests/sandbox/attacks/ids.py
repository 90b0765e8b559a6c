# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Other users' ids, groups and capabilities.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
report("is-root", 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()), os.getresuid())
report("groups", set(os.getgroups()) - {os.getgid(), 65534}, os.getgroups())
for name, action in {
    "setuid": lambda: os.setuid(0),
    "setgid": lambda: os.setgid(0),
    "setresuid": lambda: os.setresuid(0, 0, 0),
    "setgroups": lambda: os.setgroups([0]),
    "chown": lambda: (open("/tmp/owned", "w").close(), os.chown("/tmp/owned", 0, 0)),
    "chroot": lambda: os.chroot("/tmp"),
}.items():
    try:
        action()
    except OSError as error:
        report(name, False, error)
    else:
        report(name, os.geteuid() == 0 or name in ("setgroups", "chroot", "chown"), "accepted")
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    report(kind, int(status.get(kind, "0"), 16), status.get(kind))
report("no-new-privileges", libc.prctl(39, 0, 0, 0, 0) != 1)
# Keeping capabilities over a change of user, and raising ambient ones.
report("ambient", libc.prctl(47, 2, 21, 0, 0) == 0)
report("bounding", libc.prctl(23, 21, 0, 0, 0) == 1)
