# EXPECT-REASON: killed
# EXPECT-REASON-GVISOR: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# mov eax, 20; int 0x80; ret – getpid by the 32-bit entry, where numbers mean other calls. Expected: killed at once.
# gVisor's own kernel answers what the host's would have killed for.
SERVED = os.environ.get("SBX_GVISOR") == "1"
import ctypes
import mmap

if os.uname().machine == "x86_64":
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    report("int80", not SERVED, call())
else:
    os.kill(os.getpid(), 9)
