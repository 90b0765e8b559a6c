# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Words meant for a terminal, a database or an eye rather than for the answer.
import json

WORDS = "Profit \u202e%001 pu si\u202c \x1b[2J\x1b]0;owned\x07 \0 \ud800"
with open(os.path.join(os.environ["SBX_OUT"], "result.json"), "w") as file:
    json.dump({"kind": "text", "text": WORDS}, file)
print(ascii(WORDS))
