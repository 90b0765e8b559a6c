# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Whoever looks at the output must not have a terminal take orders from it. The host's tests look at what is kept.
sys.stdout.write("\x1b]0;owned\x07\x1b[2J\x1b[6n\x1bP$q\x1b\\\x9b31m\r\b\u202eright-to-left\n")
sys.stderr.write("\x1b]52;c;ZWNobyBvd25lZA==\x07\x1b[?1049h\n")
report("printed", False, "the host looks at it")
