# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# Pictures of few bytes that unfold into gigabytes, and files that are no pictures at all.
import struct
import zlib

out = os.environ["SBX_OUT"]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def jpeg(width, height):
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"


FILES = {
    "wide.png": png(2**31 - 1, 1),
    "square.png": png(60_000, 60_000),
    "headless.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "short.png": b"\x89PNG\r\n\x1a\n",
    "square.jpg": jpeg(65_500, 65_500),
    "untold.jpeg": jpeg(65_500, 0),
    "headless.jpg": b"\xff\xd8\xff" + b"\xe0\x00\x00" * 1000,
    "right\u202egnp.exe.png": png(2, 2),
    "honest.png": png(640, 480),
    "honest.jpg": jpeg(640, 480),
}
for name, data in FILES.items():
    with open(os.path.join(out, name), "wb") as file:
        file.write(data)
report("written", False)
