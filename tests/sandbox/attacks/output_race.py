# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Names in the output directory change while and after the program ends: file, link, directory, pipe and back.
out = os.environ["SBX_OUT"]
target = os.environ.get("SBX_CANARY_PATH", "/etc/passwd")
for worker in range(3):
    if os.fork() == 0:
        os.setsid()
        place = f"{out}/race{worker}.txt"
        while True:
            for make in (
                lambda: os.symlink(target, place),
                lambda: os.mkdir(place),
                lambda: os.mkfifo(place),
                lambda: os.close(os.open(place, os.O_CREAT | os.O_WRONLY)),
                lambda: os.link("/proc/1/environ", place),
            ):
                try:
                    make()
                except OSError:
                    pass
                try:
                    os.rmdir(place) if os.path.isdir(place) and not os.path.islink(place) else os.unlink(place)
                except OSError:
                    pass
open(f"{out}/honest.txt", "w").write("honest")
