# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# A result that is deep, or long, or no JSON at all.
import random

out = os.environ["SBX_OUT"]
bomb = random.choice(
    [b"[" * 500_000, b"9" * 900_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"\xff\xfe{}", b'{"a": NaN']
)
with open(f"{out}/result.json", "wb") as file:
    file.write(bomb)
report("written", False, len(bomb))
