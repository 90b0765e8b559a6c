# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# What /proc and /sys would tell of the host, and what they would let one change.
import glob

SECRET = b"SBXCANARYSECRET"


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""


for kind in ("environ", "cmdline", "maps", "mounts", "mountinfo"):
    told = [path for path in glob.glob(f"/proc/[0-9]*/{kind}") if SECRET in read(path)]
    report(f"others-{kind}", told, told)
report("mounts-name-the-host", b"/home" in read("/proc/self/mountinfo"))
for path in (
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/vmallocinfo",
    "/proc/slabinfo",
    "/proc/sysvipc/shm",
    "/proc/timer_list",
):
    data = read(path)
    report(path, path != "/proc/sysvipc/shm" and data != b"", f"{len(data)} bytes")
symbols = [line.split()[0] for line in read("/proc/kallsyms").splitlines()[:50]]
report("kernel-addresses", any(int(address, 16) for address in symbols), len(symbols))
for path in (
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/kernel/modprobe",
):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        report(path, False, error)
    else:
        report(path, True, "open for writing")
for path in glob.glob("/sys/fs/cgroup/*/release_agent")[:3] + glob.glob("/sys/kernel/uevent_helper"):
    report(path, os.access(path, os.W_OK))
