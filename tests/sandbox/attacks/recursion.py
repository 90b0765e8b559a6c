# EXPECT-REASON: killed,error,oom
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


sys.setrecursionlimit(1 << 30)


def deeper():
    deeper()


deeper()
