# EXPECT-REASON: ok
# EXPECT-REASON-GVISOR: ok,oom,error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Timers and queued signals are counted by user: an ordinary user's box must not use up what the user himself has.
import ctypes
import signal

libc = ctypes.CDLL(None, use_errno=True)
made, timer = 0, ctypes.c_void_p()
while made < 5000 and libc.timer_create(1, None, ctypes.byref(timer)) == 0:
    made += 1
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
queued = 0
while queued < 5000 and libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), None) == 0:
    queued += 1
if os.environ.get("SBX_GVISOR") != "1":  # there they are the box's own kernel's
    report("unbounded", made + queued > 1024, f"{made} timers, {queued} signals")
