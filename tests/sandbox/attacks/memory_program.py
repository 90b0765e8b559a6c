# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# A program that is in no file: what it starts as has the walls of what started it.
CODE = """
import os, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
for name, wanted in (("NoNewPrivs", 1), ("Seccomp", 2), ("CapEff", 0)):
    if name in status and os.environ["SBX_GVISOR"] != "1":
        print("RESULT", name, "BLOCKED" if int(status[name], 16) == wanted else "ESCAPED")
try:
    socket.socket().close()
    print("RESULT socket ESCAPED")
except OSError:
    print("RESULT socket BLOCKED", os.getuid())
"""
file = os.memfd_create("program")
with open("/proc/self/exe", "rb") as python:
    os.write(file, python.read())
child = os.fork()
if not child:
    os.execve(file, ["/usr/bin/python3", "-S", "-c", CODE], {"SBX_GVISOR": os.environ.get("SBX_GVISOR", "0")})
report("ran", os.waitpid(child, 0)[1] != 0)
