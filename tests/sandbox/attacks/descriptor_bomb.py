# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Open files, pipes, sockets, watches and epolls until refused.
import select
import socket

opened = []
for make in (os.pipe, socket.socketpair, lambda: os.open("/dev/null", os.O_RDONLY), select.epoll):
    count = 0
    try:
        for count in range(100_000):
            opened.append(make())
    except OSError as error:
        report(f"bounded-{count}", count > 1000, error)
    else:
        report("unbounded", True, count)
