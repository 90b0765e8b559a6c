# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Everything in the output directory that is not an honest file.
out = os.environ["SBX_OUT"]
os.chdir(out)
os.symlink("/etc/passwd", "link.txt")
os.symlink("/proc/self/environ", "environ.txt")
os.mkfifo("fifo.txt")
open("/tmp/source", "w").write("x")
os.link("/tmp/source", "hard.txt")
with open("sparse.csv", "wb") as file:
    file.truncate(90 << 20)
os.makedirs("a/b/c/d/e")
open("a/b/c/deep.txt", "w").close()
open("fake.png", "w").write("<script>")
open("page.html", "w").write("<script>")
open("\udcff.txt", "w").close()
open("..hidden.txt", "w").close()
open("new\nline.txt", "w").close()
for number in range(40):
    open(f"many{number:02}.txt", "w").write("1")
os.symlink("/inputs", "directory")
open("result.json", "w").write("[" * 100000)
os.rename(out, "/tmp/moved")
os.symlink("/usr/lib", out)
report("done", False)
