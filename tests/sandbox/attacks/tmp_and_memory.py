# EXPECT-REASON: oom
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Files in /tmp count as memory: together they must not be more than the limit.
blob = b"x" * (1 << 20)
with open("/tmp/filler", "wb", buffering=0) as file:
    for _ in range(95):
        file.write(blob)
keep = []
for megabyte in range(4096):
    keep.append(bytearray(blob))
    if megabyte > 256:
        report("memory-beside-files", True, f"{megabyte} MiB and the files")
