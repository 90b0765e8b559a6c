# EXPECT-REASON: oom
# EXPECT-REASON-GVISOR: oom,ok,error,killed
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Shared memory and messages that outlive the processes that made them.
import ctypes
import struct

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
limit = int(os.environ.get("SBX_MEM_MB", "512"))
message = ctypes.create_string_buffer(struct.pack("l", 1) + b"x" * 8184)
sent = 0
for _ in range(4000):
    queue = libc.msgget(0, 0o1600)
    while queue >= 0 and libc.msgsnd(queue, message, 8184, 0o4000) == 0:
        sent += 8184
    if queue < 0 or sent >> 20 > limit // 2:
        break
kept = 0
while kept <= 2 * limit:
    segment = libc.shmget(0, 8 << 20, 0o1600)
    place = libc.shmat(segment, None, 0) if segment >= 0 else None
    if place in (None, ctypes.c_void_p(-1).value):
        break
    ctypes.memset(place, 1, 8 << 20)
    libc.shmdt(ctypes.c_void_p(place))
    kept += 8
report("beyond-the-limit", kept + (sent >> 20) > limit, f"{sent >> 20} and {kept} MiB")
