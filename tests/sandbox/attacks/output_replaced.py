# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Another directory where the output directory was.
out = os.environ["SBX_OUT"]
target = os.path.dirname(os.environ.get("SBX_CANARY_PATH", "/etc/passwd"))
os.rename(out, "/tmp/moved")
os.symlink(target, out)
open("/tmp/moved/kept.txt", "w").write("kept")
os.makedirs("/tmp/moved/deep/deeper/deepest")
os.symlink("..", "/tmp/moved/deep/up")
os.chmod("/tmp/moved/deep", 0)
report("replaced", False, "the host looks at what it collected")
