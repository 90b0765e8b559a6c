"""Random programs for the fuzz test: bytes, Python that was never meant to make sense, and trees of odd files.

Each comes from its number alone, so that a failure can be had again.
"""

from __future__ import annotations

import random

_EXPRESSIONS = (
    "x", "1", "-1", "2**4000", "b'\\xff'", "''", "'\\ud800'", "[]", "[x] * 10**6", "(lambda: x)()", "print(x)",
    "open('/tmp/out/f%d.csv' % len(str(x)), 'ab')", "open('/proc/self/mem', 'rb')", "os.listdir('/')", "os.fork()",
    "os.pipe()", "os.dup2(1, 2)", "os.close(1)", "os.close(2)", "os.write(1, b'\\0' * 70000)", "os.urandom(10**6)",
    "os.getpid()", "os.kill(0, 0)", "os.kill(os.getpid(), {signal})", "os.kill(1, {signal})", "os._exit({status})",
    "sys.exit(x)", "sys.exit({status})", "sys.setrecursionlimit(10**9)", "sys.modules.clear()", "sys.stdout.close()",
    "gc.collect()", "time.sleep(0.01)", "threading.Thread(target=time.sleep, args=(0.01,)).start()",
    "signal.signal({signal}, signal.SIG_IGN)", "signal.alarm(1)", "ctypes.string_at({number})",
    "ctypes.CDLL(None).syscall({number}, {number}, {number}, {number})", "socket.socket({number})",
    "mmap.mmap(-1, 10**7)",
    "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))", "atexit.register(os._exit, {status})", "eval(repr(x))",
    "__import__('this')", "raise_(x)", "recurse()", "globals().clear()",
    "os.execv(sys.executable, ['x', '-c', 'pass'])",
    "os.chdir('/')", "os.umask(0o777)", "os.truncate('/tmp/out', 0)", "os.rmdir('/tmp/out')", "shutil.rmtree('/tmp')",
)  # fmt: skip
_STATEMENTS = (
    "{expression}", "x = {expression}", "try:\n    {expression}\nexcept Exception as error:\n    x = error",
    "for _ in range({number}):\n    {expression}", "def recurse(): recurse()", "def raise_(x): raise x",
    "with open('/tmp/out/result.json', 'w') as f: f.write(repr({expression}))", "while x:\n    {expression}",
    "del x", "assert not x", "import {module}",
)  # fmt: skip
_MODULES = (
    "os", "gc", "time", "threading", "signal", "ctypes", "socket", "mmap", "json", "decimal", "numpy", "pandas",
    "asyncio", "ssl", "antigravity", "nothing",
)  # fmt: skip
_PREAMBLE = (
    "import atexit, ctypes, gc, mmap, os, resource, shutil, signal, socket, sys, threading, time\n"
    "x = 0\nraise_ = recurse = print\n"
)
_KINDS = (
    "open(p, 'wb').write(os.urandom({size}))", "os.mkdir(p)", "os.symlink('{target}', p)", "os.mkfifo(p)",
    "os.link('{target}', p)", "os.truncate(os.open(p, os.O_CREAT | os.O_WRONLY), {size} * 10**5)",
    "socket.socket(socket.AF_UNIX).bind(p)", "open(p, 'w').write('{{' * {size})", "os.chmod(p, {mode})",
    "os.rename(p, '{target}')", "os.makedirs(p + '/a/b/c/d/e', exist_ok=True)",
)  # fmt: skip
_NAMES = (
    "result.json", "a.csv", "b.png", "c.txt", "d", "..", ".", "-rf", "é.csv", "\\n.csv", "\\x1b[2J.txt", "a" * 255,
    "x.svg", "d/e.csv", "d/../f.csv", "\\udcff.csv", " .csv", "CON.csv",
)  # fmt: skip
_TARGETS = ("/etc/passwd", "/proc/self/environ", "/tmp/out", "/tmp/out/a.csv", "..", "/dev/zero", "/proc/1/root")


def random_bytes(number: int) -> bytes:
    chance = random.Random(f"bytes {number}")
    data = chance.randbytes(chance.choice((1, 10, 100, 5000)))
    return data if number % 2 else bytes(byte % 0x5F + 0x20 for byte in data)  # printable: gets past the decoder


def random_program(number: int) -> bytes:
    chance = random.Random(f"program {number}")

    def filled(template: str, depth: int = 0) -> str:
        return template.format(
            expression=filled(chance.choice(_EXPRESSIONS), depth + 1) if "{expression}" in template else "",
            number=chance.choice((-1, 0, 1, 3, 17, 300, 2**31, 2**63)),
            signal=chance.randint(1, 64),
            status=chance.choice((0, 1, 2, 137, 255, -1, 2**40)),
            module=chance.choice(_MODULES),
        )

    statements = (filled(chance.choice(_STATEMENTS)) for _ in range(chance.randint(1, 12)))
    return (_PREAMBLE + "\n".join(statements) + "\n").encode("utf-8", "replace")


def random_tree(number: int) -> bytes:
    chance = random.Random(f"tree {number}")
    lines = ["import os, socket", "os.chdir('/tmp/out')"]
    for _ in range(chance.randint(5, 60)):
        kind = chance.choice(_KINDS).format(
            size=chance.choice((0, 1, 1000, 40_000)),
            target=chance.choice(_TARGETS),
            mode=chance.choice((0, 0o777, 0o4755)),
        )
        lines.append(f"p = '{chance.choice(_NAMES)}'\ntry: {kind}\nexcept (OSError, ValueError): pass")
    return "\n".join(lines).encode()
