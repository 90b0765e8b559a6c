# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Its own limits are for it to lower only.
import resource

for name in (
    "RLIMIT_AS",
    "RLIMIT_CPU",
    "RLIMIT_NPROC",
    "RLIMIT_NOFILE",
    "RLIMIT_FSIZE",
    "RLIMIT_MEMLOCK",
):
    number = getattr(resource, name)
    soft, hard = resource.getrlimit(number)
    report(f"{name}-is-set", hard == resource.RLIM_INFINITY, hard)
    for wanted in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (hard + 1, hard + 1)):
        try:
            resource.setrlimit(number, wanted)
        except (OSError, ValueError, OverflowError) as error:
            report(f"{name}-raised", False, error)
        else:
            report(f"{name}-raised", resource.getrlimit(number)[1] > hard, resource.getrlimit(number))
