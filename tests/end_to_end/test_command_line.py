"""The command line beside other commands and with wrong input: clear words, right exit codes, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.end_to_end.instance import VAULTRA


def started(data_dir: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VAULTRA_")}
    environment = {**kept, "VAULTRA_DATA_DIR": str(data_dir), "VAULTRA_PORT": "0", **settings}
    return subprocess.Popen(
        [VAULTRA, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.timeout(300)
def test_analyses_wait_for_each_other_when_started_at_once(
    data_dir: Path, tmp_path: Path, receipt: Callable[[int], bytes]
) -> None:
    pictures = [tmp_path / f"{number}.png" for number in range(2)]
    for number, picture in enumerate(pictures):
        picture.write_bytes(receipt(900 + number))
    running = [started(data_dir, "analyze", "--json", str(picture), "-q", "total?") for picture in pictures]
    for process in running:
        stdout, stderr = process.communicate(timeout=140)
        assert (process.returncode, stderr) == (0, "")
        assert json.loads(stdout)["answer"]["value"] == "7.75"


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "words"),
    [
        (["up"], {"VAULTRA_HOST": "0.0.0.0"}, 2, "without API keys"),
        (["doctor"], {"VAULTRA_PROT": "1"}, 2, "VAULTRA_PROT is no setting"),
        (["doctor"], {"VAULTRA_PORT": "many"}, 2, "VAULTRA_PORT"),
        (["analyze", __file__, "--url", "http://127.0.0.1:1:1/x"], {}, 2, "no address of an instance"),
        (["rebuild", "nothing"], {}, 2, "no projection is called"),
        (["events", "list", "--topic", "nothing"], {}, 2, "there is no topic nothing; there are uploads, "),
        (["events", "list", "--topic", "upload"], {}, 2, "did you mean uploads?"),
        (["events", "list", "--job", "nothing"], {}, 1, "no event of job nothing"),
        (["events", "show", "nothing"], {}, 1, "no event nothing"),
        (["dead-letters", "show", "vision", "5"], {}, 1, "has no letter 5"),
        (["keys", "revoke", "nothing"], {}, 1, "there is no key"),
    ],
)
def test_command_says_what_is_wrong_when_it_cannot_work(
    data_dir: Path, arguments: list[str], settings: dict[str, str], code: int, words: str
) -> None:
    process = started(data_dir, *arguments, **settings)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert words in stderr
    assert "Traceback" not in stderr


def test_answer_stands_once_when_a_person_asks(data_dir: Path, tmp_path: Path, receipt: Callable[[int], bytes]) -> None:
    picture = tmp_path / "receipt.png"
    picture.write_bytes(receipt(900))
    process = started(data_dir, "analyze", str(picture), "-q", "total?")
    stdout, stderr = process.communicate(timeout=140)
    assert (process.returncode, stderr) == (0, "")
    assert stdout.count("answered: ") == 1
    assert stdout.count("receipt.png") == 1


def test_version_is_the_package_s_when_it_is_asked_for(data_dir: Path) -> None:
    stdout, _ = started(data_dir, "--version").communicate(timeout=60)
    assert stdout == f"vaultra {version('vaultra')}\n"
