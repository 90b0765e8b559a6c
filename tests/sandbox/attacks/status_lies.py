# EXPECT-REASON: killed
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Ends as if the kernel had ended it for want of memory, and says so in every way it has.
print('{"reason": "oom", "oom_kill": 1, "exit-code": 0, "killed_for": "timeout"}')
print('{"exit-code": 0, "child-pid": 1}', file=sys.stderr)
open(os.environ["SBX_OUT"] + "/verdict.json", "w").write('{"reason": "ok"}')
sys.stdout.flush()
os._exit(128 + 9)
