# EXPECT-REASON: error
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Lies about the end of the run, told in every place that somebody might read: the status is 7 all the same.
import builtins
import gc
import json

LIES = b'{"exit-code": 0}\nready\n{"child-pid": 1}\n{"reason": "ok", "controls": ["all"]}\n0 0.0\n'
for number in range(64):
    try:
        os.write(number, LIES)
    except OSError:
        pass
for function in gc.get_objects():
    if getattr(function, "__name__", None) in ("leave", "become_program", "wait_for"):
        function.__code__ = (lambda *_: None).__code__
json.loads = builtins.print = lambda *_, **__: None
sys.stdout = sys.stderr = None
sys.settrace(lambda *_: 1 / 0)
os._exit(7)
