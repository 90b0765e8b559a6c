"""One instance per data directory, and no trace of a dead one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import SetupError
from vaultra.instance import announce, exclusive, running_url

HOLDER = """
import sys
from pathlib import Path
from vaultra.instance import announce, exclusive
with exclusive(Path(sys.argv[1])):
    announce(Path(sys.argv[1]), "http://127.0.0.1:9")
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def close(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_exclusive_refuses_with_the_url_when_another_process_holds_the_folder(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    try:
        assert running_url(tmp_path) == "http://127.0.0.1:9"
        with pytest.raises(SetupError, match=r"already running.*127.0.0.1:9"), exclusive(tmp_path):
            pass
    finally:
        close(holder)
    assert running_url(tmp_path) is None


def test_exclusive_succeeds_when_the_holder_was_killed(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    close(holder)
    assert running_url(tmp_path) is None
    with exclusive(tmp_path):
        announce(tmp_path, "http://127.0.0.1:10")
    assert running_url(tmp_path) is None


def test_exclusive_says_why_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be used"), exclusive(tmp_path / "file" / "data"):
        pass
