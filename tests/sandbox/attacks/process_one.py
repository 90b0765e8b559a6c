# EXPECT-REASON: ok
# EXPECT-REASON-GVISOR: ok,killed
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Everything that could reach the supervising process 1 of the box.
import signal


def attempt(probe, action):
    try:
        action()
    except OSError as error:
        report(probe, False, error)
    else:
        report(probe, True)


attempt("memory", lambda: os.close(os.open("/proc/1/mem", os.O_RDWR)))
attempt("own-memory-file", lambda: os.close(os.open("/proc/self/mem", os.O_RDWR)))
if os.environ.get("SBX_GVISOR") != "1":  # there it is a number of the box's own kernel
    attempt("oom-score", lambda: os.close(os.open("/proc/1/oom_score_adj", os.O_WRONLY)))
attempt("sysctl", lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)))
for number in range(1, 65):
    if number not in (32, 33):
        os.kill(1, number)
os.kill(1, 0)
report("signals", False, "process 1 is still there")
report("descriptors", any(int(fd) > 2 and os.path.exists(f"/proc/1/fd/{fd}") for fd in os.listdir("/proc/1/fd")))
report("own-descriptors", [fd for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")] != [])
report("is-child-of-it", os.getppid() != 1)
