# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Planting code where a later Python of ours could find it.
import site

for path in [*sys.path, site.getusersitepackages(), "/usr/lib", "/program", "/inputs"]:
    try:
        open(os.path.join(path, "sitecustomize.py"), "w").close()
    except OSError:
        continue
    report("planted", not path.startswith("/tmp"), path)
report("program-unwritable", os.access("/program/main.py", os.W_OK))
