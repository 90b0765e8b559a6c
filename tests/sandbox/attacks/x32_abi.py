# EXPECT-REASON: killed
# EXPECT-REASON-GVISOR: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# gVisor's own kernel answers what the host's would have killed for.
SERVED = os.environ.get("SBX_GVISOR") == "1"
import ctypes

if os.uname().machine == "x86_64":
    report("x32", not SERVED, ctypes.CDLL(None).syscall(0x40000000 | 39))
else:
    os.kill(os.getpid(), 9)
