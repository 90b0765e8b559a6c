# EXPECT-REASON: oom
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Memory that belongs to no process: files without a name.
files = []
while True:
    file = os.memfd_create("bomb") if hasattr(os, "memfd_create") else os.open("/tmp/bomb", os.O_CREAT | os.O_RDWR)
    files.append(file)
    for _ in range(8):
        os.write(file, b"x" * (8 << 20))
