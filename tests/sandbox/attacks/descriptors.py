# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# What the one who started us may have left open, and what the three streams can be used for.
import fcntl
import stat
import termios

inherited = []
for number in range(3, 4096):
    try:
        os.fstat(number)
    except OSError:
        continue
    inherited.append(number)
report("inherited", inherited, inherited)
report("standard-input-says-nothing", os.read(0, 10) != b"")
for number in range(3):
    kind = os.fstat(number).st_mode
    report(f"{number}-is-no-terminal", os.isatty(number))
    report(f"{number}-is-no-directory", stat.S_ISDIR(kind))
    for name, request in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C), ("TIOCSCTTY", termios.TIOCSCTTY)):
        try:
            fcntl.ioctl(number, request, b"x")
        except OSError as error:
            report(f"{number}-{name}", False, error)
        else:
            report(f"{number}-{name}", True)
try:
    os.close(os.open("/dev/tty", os.O_RDWR))
except OSError as error:
    report("controlling-terminal", False, error)
else:
    report("controlling-terminal", True)
report("mount-directory", [n for n in range(3) if os.path.isdir(f"/proc/self/fd/{n}")] != [])
