# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Before everybody else, on every core, without being interrupted.
import resource

for name, action in {
    "nice": lambda: os.nice(-20),
    "fifo": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)),
    "round-robin": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(50)),
    "priority": lambda: os.setpriority(os.PRIO_USER, 0, -20),
    "of-process-one": lambda: os.setpriority(os.PRIO_PROCESS, 1, -5),
}.items():
    try:
        action()
    except OSError as error:
        report(name, False, error)
    else:
        raised = os.getpriority(os.PRIO_PROCESS, 0) < 0 or os.sched_getscheduler(0) != os.SCHED_OTHER
        # Niceness among the processes of gVisor's own kernel is nobody else's.
        report(name, raised and os.environ.get("SBX_GVISOR") != "1", "accepted")
report(
    "realtime-limit",
    resource.getrlimit(resource.RLIMIT_RTPRIO)[1] not in (0, -1) if hasattr(resource, "RLIMIT_RTPRIO") else False,
)
