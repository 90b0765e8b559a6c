# EXPECT-REASON: timeout
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Closes everything, blocks every signal, does nothing for ever, in two processes.
import signal
import time

signal.pthread_sigmask(signal.SIG_SETMASK, range(1, 65))
os.fork()
os.setpgid(0, 0)
os.closerange(0, 256)
while True:
    time.sleep(1000)
