# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


import socket

FAMILIES = {"inet": 2, "inet6": 10, "ax25": 3, "ipx": 4, "appletalk": 5, "netlink": 16, "packet": 17, "rds": 21}
FAMILIES |= {"can": 29, "tipc": 30, "bluetooth": 31, "alg": 38, "nfc": 39, "vsock": 40, "qipcrtr": 42, "xdp": 44}
for name, family in FAMILIES.items():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
        except OSError:
            continue
        report(f"{name}-{kind}", True, "opened")
        break
    else:
        report(name, False)
left, right = socket.socketpair()
left.sendall(b"x")
report("socketpair-works", right.recv(1) != b"x")
