# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Files of /proc that no namespace makes the box's own: how the machine was started, what it is made of, its keys.
if os.environ.get("SBX_GVISOR") != "1":  # there they are of the box's own kernel
    for name in (
        "cmdline",
        "config.gz",
        "diskstats",
        "interrupts",
        "iomem",
        "keys",
        "key-users",
        "modules",
        "partitions",
    ):
        try:
            with open(f"/proc/{name}", "rb") as file:
                told = file.read()
        except OSError as error:
            report(name, False, error)
        else:
            report(name, told, told[:60])
    try:
        report("boot-id", open("/proc/sys/kernel/random/boot_id").read())
    except OSError as error:
        report("boot-id", False, error)
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) > 2 and int(name) != os.getpid():
        report(f"process-{name}", True)
