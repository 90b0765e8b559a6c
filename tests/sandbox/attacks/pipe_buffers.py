# EXPECT-REASON: ok,error
# EXPECT-REASON-GVISOR: ok,error,oom
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Memory of the kernel's: what is on its way through pipes, also through pipes that only a socket still holds.
import fcntl
import socket

limit = int(os.environ.get("SBX_MEM_MB", "512"))
left, right = socket.socketpair()
held = 0
try:
    while held >> 20 <= limit:
        reading, writing = os.pipe()
        try:
            fcntl.fcntl(writing, 1031, 1 << 20)  # F_SETPIPE_SZ
        except OSError:
            pass
        os.set_blocking(writing, False)
        try:
            while True:
                held += os.write(writing, b"x" * 65536)
        except BlockingIOError:
            pass
        socket.send_fds(left, [b"x"], [reading, writing])
        os.close(reading)
        os.close(writing)
except OSError as error:
    report("stopped", False, error)
report("beyond-the-limit", held >> 20 > limit, f"{held >> 20} MiB")
