"""Ways around the policy's names that are names all the same; and programs that analysts write every day.

What no reading of the source can find (a name put together at run time) is the sandbox's: the critic is the gate, not
the wall.
"""

from __future__ import annotations

import pytest

from adapters.critic.critic import RuffBanditCritic
from adapters.critic.policy import load_policy
from sandbox.root_tree import RootTree

_EVASIONS = [
    'import os\n[os][0].system("ls")',
    'import os\n(lambda: os)().system("ls")',
    'import os\nx: object = os\nx.system("ls")',
    'import os, operator\noperator.methodcaller("system", "ls")(os)',
    'import os\n(os if 1 else None).system("ls")',
    'import sys\nsys.modules.get("os").system("ls")',
    'from random import _os as o\no.system("ls")',
    'import os\nobject.__getattribute__(os, "system")("ls")',
    'getattr(__builtins__, "ev"+"al")("1")',
    'import builtins\nbuiltins.eval("1")',
    'import os\ngetattr(os, "sys"+"tem")("ls")',
    'import os\ngetattr(os, "system")("ls")',
    'import os\nname="system"\ngetattr(os, name)("ls")',
    'import os\nos.__dict__["system"]("ls")',
    'import os\nvars(os)["sys"+"tem"]("ls")',
    "import os\nfor k, v in vars(os).items(): print(k)",
    'from os import *\nsystem("ls")',
    'import os as o\nm = o\nm.system("ls")',
    'import os\n(m := os).system("ls")',
    'import tempfile\ntempfile._os.system("ls")',
    'import os.path as p\np.os.popen("ls")',
    'import pandas as pd\npd.io.common.os.system("ls")',
    "import pandas as pd\ndf = pd.DataFrame()\ndf.query(\"@pd.io.common.os.system('ls')\")",
    "import pandas as pd\nimport os\ndf = pd.DataFrame()\ndf.eval(\"@os.system('ls')\")",
    'import pandas as pd\npd.read_csv("https://example.org/x.csv")',
    'import numpy as np\nnp.loadtxt(f"http://x/{1}")',
    'import numpy as np\nnp.load("x.npy", allow_pickle=True)',
    'from numpy import *\nload("x.npy", allow_pickle=True)',
    'print("{0.__class__.__mro__}".format(()))',
    'print("{0.__init__.__globals__}".format_map({}))',
    'from operator import attrgetter\nprint(attrgetter("__class__.__base__")(()))',
    'print.__self__.eval("1")',
    "match ():\n    case object(__class__=c, __reduce__=r):\n        print(c, r)",
    '@eval\ndef f(): "1"',
    "@exec\nclass X: pass",
    "import logging\nlogging.socket.socket()",
    "import logging.handlers",
    'import uuid\nuuid.subprocess.run(["ls"])',
    "import _posixsubprocess",
    'import posix\nposix.system("ls")',
    'import timeit\ntimeit.timeit("1")',
    "import sys\nsys._getframe().f_back",
    'import sys\nsys.modules["os"].system("ls")',
    "import gc\ngc.get_objects()",
    "import types\ntypes.FunctionType(None, {})",
    'globals()["__builtins__"]["eval"]("1")',
    'globals().get("__builtins__")',
    'import codecs\nexec(codecs.decode("cevag(1)", "rot13"))',
    'import pkgutil\npkgutil.resolve_name("os:system")("ls")',
    'import urllib.parse\nurllib.request.urlopen("http://x")',
    "from concurrent.futures import ProcessPoolExecutor",
    'import pandas\npandas.io.pickle.read_pickle("x")',
    "from pandas.io import pickle",
    "import importlib.util",
    'f = lambda e=eval: e("1")',
    "print(f\"{eval('1')}\")",
    'x = [__import__][0]("os")',
    'import os\nos.execvp("ls", ["ls"])',
    'import os\nos.spawnlp(0, "ls")',
    'import os\nos.posix_spawnp("ls", ["ls"], {})',
    "def g(): yield 1\nprint(g().gi_frame.f_globals)",
    "try: 1/0\nexcept Exception as e: print(e.__traceback__.tb_frame)",
    "class A:\n    def __init_subclass__(cls): pass\nA.__subclasses__()",
    "import ctypes.util",
    "from asyncio import subprocess",
    "import pty as x",
]
_HARMLESS = {
    "charts and tables": """
from __future__ import annotations
import json, os, math, statistics, re, csv, datetime as dt, itertools, functools, collections
from decimal import Decimal, ROUND_HALF_UP
from pathlib import Path
import numpy as np
import pandas as pd
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from cycler import cycler

def main() -> None:
    document = json.loads(Path("/inputs/document.json").read_text())
    df = pd.DataFrame(document["figures"])
    df["value"] = pd.to_numeric(df["value"], errors="coerce")
    df = df.query("value > 0 and label != 'total'")
    cutoff = 3
    df = df.query("value > @cutoff")
    df.eval("double = value * 2", inplace=True)
    for how in ("mean", "std"):
        print(how, getattr(np, how)(df["value"]), getattr(df["value"], how)())
    fig, ax = plt.subplots(figsize=(6, 4))
    ax.set_prop_cycle(cycler(color="rgb"))
    df.plot.bar(x="label", y="value", ax=ax)
    ax.set_title(f"Select the best {cutoff} from {len(df)} rows")
    fig.savefig(Path(os.environ["SBX_OUT"]) / "chart.png", dpi=150)
    plt.close(fig)
if __name__ == "__main__":
    main()
""",
    "its own input": """
import json
def total(input):
    return sum(input)
input = json.load(open("/inputs/document.json"))
print(total([1, 2]), input)
""",
    "deep recursion": """
import sys
sys.setrecursionlimit(5000)
print(sys.version_info, sys.argv)
""",
    "a clock": """
from timeit import default_timer as timer
start = timer()
print(timer() - start)
""",
    "everything of mathematics": """
from math import *
from decimal import *
print(sqrt(2), Decimal("1"))
""",
    "numpy's assertions": """
import numpy as np
print(np.testing.assert_allclose([1.0], [1.0]))
""",
    "data classes": """
from dataclasses import dataclass, asdict
@dataclass
class Row:
    label: str
    value: float
row = Row("a", 1.0)
print(row.__dict__, asdict(row), type(row).__name__, row.__class__.__name__)
""",
    "patterns": """
import re
pattern = re.compile(r"\\d+")
print(pattern.findall("1 2"))
""",
    "columns named like modules": """
import pandas as pd
df = pd.read_json("/inputs/document.json")
df.to_csv("/tmp/out/t.csv", index=False)
print(df.groupby("label").agg({"value": ["sum", "mean"]}).pivot_table(index="label"))
print(df.code, df.signal, df.resource)
""",
    "SQL in memory": """
import sqlite3
c = sqlite3.connect(":memory:")
name = "t"
c.execute(f"select * from {name}")
""",
    "an odd space": """
label = "A\u200bB"
print(label)
""",
    "the standard library": """
import warnings, logging, random, string, textwrap, hashlib, base64, io, glob, time, calendar, locale
import operator, heapq, bisect, fractions, enum, typing, copy, uuid, zipfile, gzip, shutil, tempfile
import unicodedata, difflib, pprint, contextlib, traceback, inspect, threading, queue, secrets, html
import xml.etree.ElementTree, urllib.parse, concurrent.futures, zoneinfo, abc, struct, array, types, weakref
import argparse, platform
warnings.filterwarnings("ignore")
logging.basicConfig(level=logging.INFO)
print("see https://example.org/report and http://x")
""",
    "styles of charts": """
import matplotlib.pyplot as plt
import matplotlib.ticker as mticker
from matplotlib.dates import DateFormatter
plt.style.use("ggplot")
plt.rcParams["font.family"] = "DejaVu Sans"
plt.gca().yaxis.set_major_formatter(mticker.FuncFormatter(lambda v, _: f"{v:,.0f}"))
plt.show()
""",
    "its own traceback": """
import traceback, sys
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
    sys.exit(1)
""",
    "pictures": """
from PIL import Image
import os
image = Image.new("RGB", (10, 10))
image.save(os.path.join(os.environ.get("SBX_OUT", "/tmp/out"), "a.png"))
os.makedirs("/tmp/out/x", exist_ok=True)
print(os.listdir("/tmp"))
""",
}


@pytest.mark.parametrize("code", _EVASIONS)
async def test_program_is_rejected_by_the_policy_when_it_goes_around_a_name(
    reviewer: RuffBanditCritic, code: str
) -> None:
    review = await reviewer.review(f"{code}\n")
    assert not review.approved
    assert [finding for finding in review.findings if (finding.tool, finding.severity) == ("policy", "error")]


@pytest.mark.parametrize("code", _HARMLESS.values(), ids=_HARMLESS)
async def test_program_is_approved_when_it_only_analyses(reviewer: RuffBanditCritic, code: str) -> None:
    review = await reviewer.review(code)
    assert review.approved, [finding for finding in review.findings if finding.severity == "error"]


@pytest.mark.parametrize(
    "code",
    ["x = a" + ".b" * 900, "x = " + "+".join(["'a'"] * 900), "x = " + "getattr(" * 80 + "x" + ", 'y')" * 80],
    ids=["attributes", "texts", "getattr"],
)
async def test_review_ends_in_time_when_what_it_follows_is_long(reviewer: RuffBanditCritic, code: str) -> None:
    review = await reviewer.review(f"a = 1\n{code}\n")
    assert "unchecked" not in {finding.rule for finding in review.findings}


def test_policy_knows_every_package_when_the_sandbox_has_it(root_tree: RootTree) -> None:
    """What is there must not be refused as "not installed", nor offered when it is not."""
    entries = (root_tree.tree / "usr/lib/python3.11/site-packages").iterdir()
    there = {entry.name.partition(".")[0] for entry in entries if not entry.name.endswith((".dist-info", ".libs"))}
    assert there - {"__pycache__", "share", ""} == set(load_policy().imports.installed)
