"""A language model that answers every request with an attack, met as a user meets it: an upload, a feed, a job.

The critic's policy is emptied here, so that the programs do run: the sandbox is the wall, the critic only the gate.
"""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.instance import Instance
from tests.llm.crooked_server import CrookedServer, Reply, says

_POLICY = """
[program]
max_bytes = 262144
[imports]
installed = ["numpy", "pandas"]
refused = {}
[names]
refused = {}
[attributes]
refused = []
[ruff]
select = ["E9"]
[bandit]
skip = ["B"]
"""
_RESULT = "open('/tmp/out/result.json', 'w').write"
# What the model is asked, what it answers, and what the person reading the job is told.
_ATTACKS = {
    "network": (
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')",
        "(error): The program ended with exit code 1. It was refused socket(AF_INET): there is no network.",
    ),
    "hunger": ("x = []\nwhile True: x.append(bytearray(b'1' * (8 << 20)))", "(oom): The program used more"),
    "eternity": ("while True: pass", "(timeout): The program was still running after 2 s"),
    "death": ("import os\nos.kill(os.getpid(), 9)", "(killed): The program was ended by signal 9 (SIGKILL)"),
    "lies": (
        f"import json\n{_RESULT}(json.dumps(dict(kind='text', text='\\x1b[2Jowned\\0')))",
        "the program wrote no usable result",
    ),
}


@pytest.fixture
async def hostile(data_dir: Path, tmp_path: Path) -> AsyncIterator[Instance]:
    """An instance whose model writes the attack that the question names."""
    policy = tmp_path / "policy.toml"
    policy.write_text(_POLICY)
    async with CrookedServer([_answer(lambda: server.requests[-1].body)]) as server:
        running = Instance(
            data_dir,
            VAULTRA_CODE__BASE_URL=server.base_url,
            VAULTRA_CODE__MODEL="hostile",
            VAULTRA_CRITIC__POLICY=os.fspath(policy),
            VAULTRA_SANDBOX__TIMEOUT="2",
            VAULTRA_SANDBOX__MEMORY=str(256 << 20),
        )
        await asyncio.to_thread(running.start)
        yield running
        await asyncio.to_thread(running.stop)


def _answer(body: Callable[[], dict[str, Any]]) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        asked = str(body())
        (code,) = (code for name, (code, _) in _ATTACKS.items() if f"Sing like {name}" in asked)
        await says(f"```python\n{code}\n```")(writer)

    return reply


@pytest.mark.timeout(180)
async def test_jobs_end_with_reasons_people_understand_when_the_model_is_hostile(
    hostile: Instance, receipt: Callable[[int], bytes]
) -> None:
    def upload() -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        with hostile.client() as client:
            jobs = {}
            for number, name in enumerate(_ATTACKS):
                form = {"question": f"Sing like {name}"}
                answer = client.post("/v1/uploads", files={"file": (f"{number}.png", receipt(number))}, data=form)
                jobs[answer.json()["job_id"]] = name
            # Somebody else's honest question, behind all of these.
            honest = client.post("/v1/uploads", files={"file": ("r.png", receipt(99))}, data={"question": "The total?"})
            jobs[honest.json()["job_id"]] = "honest"
            details = hostile.wait_finished(list(jobs), timeout=150)
            assert client.get("/readyz").status_code == 200
        return jobs, details

    jobs, details = await asyncio.to_thread(upload)
    for job, name in jobs.items():
        detail = details[job]
        if name == "honest":
            assert (detail["status"], detail["answer"]["verdict"]) == ("completed", "answered"), detail
            continue
        assert detail["status"] == "failed", (name, detail["answer"]["text"])
        reason = detail["failure"]["reason"]
        assert _ATTACKS[name][1] in reason, (name, reason)
        assert detail["attempts"] == 3, name
        assert not [each for each in reason if unicodedata.category(each) in ("Cc", "Cf") and each != "\n"]
        assert "SBX" not in reason
        assert detail["execution"]["controls"], name
