# EXPECT-REASON: oom,ok
# EXPECT-REASON-GVISOR: oom,ok,error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Memory of the kernel's: what is on its way through sockets.
import socket

limit = int(os.environ.get("SBX_MEM_MB", "512"))
kept, sent = [], 0
try:
    while sent >> 20 <= limit:
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        kept.append(pair)
        pair[0].setblocking(False)
        pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        try:
            while True:
                sent += pair[0].send(b"x" * 60_000)
        except BlockingIOError:
            pass
except OSError as error:
    report("stopped", False, error)
report("beyond-the-limit", sent >> 20 > limit, f"{sent >> 20} MiB")
