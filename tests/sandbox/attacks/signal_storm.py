# EXPECT-REASON: ok,killed,error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Everybody it can reach, over and over; queued signals until the kernel says no.
import signal

queued = 0
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 1])
try:
    for queued in range(200_000):
        os.kill(os.getpid(), signal.SIGRTMIN + 1)
except OSError:
    pass
report("queued", False, queued)
for target in (0, -1):
    for number in (signal.SIGCONT, signal.SIGURG, signal.SIGWINCH):
        try:
            os.kill(target, number)
        except OSError:
            pass
sys.stdout.flush()
os.kill(-1, signal.SIGKILL)
