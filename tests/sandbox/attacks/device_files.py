# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Devices of the host, by name and through what is open.
for name in (
    "mem",
    "kmem",
    "port",
    "kmsg",
    "kvm",
    "vda",
    "sda",
    "loop0",
    "loop-control",
    "console",
    "tty0",
    "uinput",
    "vsock",
    "vhost-net",
    "mapper/control",
    "rtc",
    "hpet",
    "btrfs-control",
    "autofs",
    "cuse",
):
    for flags in (os.O_RDONLY, os.O_RDWR):
        try:
            os.close(os.open(f"/dev/{name}", flags | os.O_NONBLOCK))
        except OSError as error:
            report(f"{name}-{flags}", False, error)
        else:
            report(f"{name}-{flags}", True, "opened")
try:
    names = [entry for entry in os.listdir("/sys/block")]
except OSError:
    names = []
report("disks-named", names, names[:5])
