# EXPECT-REASON: ok,disk_full,oom,timeout,error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


os.chdir(os.environ["SBX_OUT"])
for number in range(200_000):
    os.close(os.open(f"{number}.txt", os.O_CREAT | os.O_WRONLY))
