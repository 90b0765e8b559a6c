# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Names resolve nowhere, by no way.
import socket

for name in ("example.com", "metadata.google.internal", "localhost.localdomain"):
    try:
        found = socket.getaddrinfo(name, 80)
    except OSError as error:
        report(f"getaddrinfo-{name}", False, error)
    else:
        report(f"getaddrinfo-{name}", any(entry[4][0] not in ("127.0.0.1", "::1") for entry in found), found[:1])
for family, address in (
    (socket.AF_INET, ("127.0.0.53", 53)),
    (socket.AF_INET, ("8.8.8.8", 53)),
    (socket.AF_INET6, ("::1", 53)),
):
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"\0" * 12, address)
    except OSError as error:
        report(f"query-{address[0]}", False, error)
    else:
        report(f"query-{address[0]}", True, "sent")
report("nscd", os.path.exists("/var/run/nscd/socket"))
report("resolver", os.path.exists("/etc/resolv.conf") and b"nameserver" in open("/etc/resolv.conf", "rb").read())
