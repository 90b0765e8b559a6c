# EXPECT-REASON: timeout,pids_limit,error,oom,killed
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Orphans of orphans, none waited for, until the limit and then on.
while True:
    try:
        if os.fork() == 0:
            if os.fork() == 0:
                if os.fork():
                    os._exit(0)
                continue
            os._exit(0)
    except OSError:
        pass
