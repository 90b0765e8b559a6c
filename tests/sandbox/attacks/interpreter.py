# EXPECT-REASON: ok,error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Whatever the supervising code left in memory: frames, modules, objects, arguments.
import gc

SECRET = "SBXCANARY" + "SECRET"  # not in the text of this program, which is in a frame
frame, seen = sys._getframe(), []
while frame:
    seen.append(frame.f_code.co_filename)
    report(f"frame-{len(seen)}", SECRET in repr(frame.f_globals) + repr(frame.f_locals) and len(seen) > 1)
    frame = frame.f_back
found = [o for o in gc.get_objects() if isinstance(o, (dict, list)) and len(o) < 1000 and o is not globals()]
names = [
    name for o in found if isinstance(o, dict) for name in o if isinstance(name, str) and name.startswith("VAULTRA")
]
report("settings-in-memory", names, names[:3])
report("arguments", sys.argv != ["/program/main.py"] or any("vaultra" in a for a in sys.orig_argv), sys.orig_argv)
os._exit = os.abort = sys.excepthook = sys.exit = None
sys.modules.clear()
