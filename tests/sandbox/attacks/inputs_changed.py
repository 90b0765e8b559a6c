# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# What it was given stays as it was.
for place in ("/inputs", "/program", "/usr/lib", "/usr/bin"):
    for name, action in {
        "create": lambda: open(f"{place}/new", "w").close(),
        "remove": lambda: os.unlink(f"{place}/main.py" if place == "/program" else f"{place}/python3"),
        "rename": lambda: os.rename(place, "/tmp/taken"),
        "mode": lambda: os.chmod(place, 0o777),
        "link-out": lambda: os.link("/program/main.py", "/tmp/linked"),
        "attribute": lambda: os.setxattr(place, "user.owned", b"1"),
        "replace": lambda: os.replace("/tmp/out", f"{place}/out"),
    }.items():
        try:
            action()
        except OSError as error:
            report(f"{place}-{name}", False, error)
        else:
            report(f"{place}-{name}", True)
for flags in (os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_TRUNC):
    try:
        os.close(os.open("/program/main.py", flags))
    except OSError as error:
        report(f"program-{flags}", False, error)
    else:
        report(f"program-{flags}", True)
