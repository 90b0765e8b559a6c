# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Bytes that are no text, a line without end, and a stream closed under way.
os.write(1, b"\0" * 1000 + b"\xff\xfe\xed\xa0\x80\xf5" * 1000)
os.write(2, b"\0\xc3(" * 1000)
for _ in range(40):
    os.write(1, b"x" * 65536)
os.close(1)
os.close(2)
