# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


import glob

report("programs", [p for p in glob.glob("/usr/bin/*") if "python" not in p] != [], glob.glob("/usr/bin/*"))
for shell in ("/bin/sh", "/bin/bash", "/usr/bin/env", "/bin/busybox", "/usr/bin/perl"):
    try:
        os.execv(shell, [shell])
    except OSError as error:
        report(shell, False, error)
ROOT = {"bin", "lib", "lib64", "usr", "etc", "dev", "proc", "tmp", "inputs", "program"}
DEVICES = {"null", "zero", "random", "urandom", "shm", "fd"}
if os.environ.get("SBX_GVISOR") == "1":  # its kernel brings its own of these; Docker leaves a mark
    ROOT |= {"sys", ".dockerenv"}
    DEVICES |= {"stdin", "stdout", "stderr", "ptmx", "pts", "full", "tty", "net", "fuse"}
report("root-entries", set(os.listdir("/")) - ROOT != set(), os.listdir("/"))
report("devices", set(os.listdir("/dev")) - DEVICES != set(), os.listdir("/dev"))
