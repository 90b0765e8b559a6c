# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# What tells which machine this is, and changes to it.
import socket

report("host-name", socket.gethostname() != "box" and os.uname().nodename != "box", socket.gethostname())
for path in (
    "/etc/machine-id",
    "/etc/hostname",
    "/sys/class/dmi/id/product_uuid",
    "/etc/ssh",
    "/etc/passwd",
    "/var/lib/cloud",
):
    named = os.path.exists(path) and os.path.getsize(path) > 0 and path != "/etc/hostname"
    report(path, named)
try:
    socket.sethostname("owned")
except OSError as error:
    report("sethostname", False, error)
else:
    report("sethostname", True)
