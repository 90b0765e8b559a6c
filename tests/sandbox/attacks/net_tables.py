# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# The network as /proc shows it: only a loopback that leads nowhere.
def lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []


devices = [line.split(":")[0].strip() for line in lines("/proc/net/dev")[2:]]
report("devices", set(devices) - {"lo"}, devices)
report("routes", len(lines("/proc/net/route")) > 1, lines("/proc/net/route")[1:3])
for table in ("tcp", "tcp6", "udp", "raw", "packet", "netlink"):
    report(table, len(lines(f"/proc/net/{table}")) > 1 and table != "netlink", len(lines(f"/proc/net/{table}")))
named = [line for line in lines("/proc/net/unix")[1:] if "@sbx-" in line or "docker" in line or "systemd" in line]
report("unix-sockets-of-the-host", named, named[:2])
