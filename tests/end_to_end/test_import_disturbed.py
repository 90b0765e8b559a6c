"""Imports that are killed, and imports that webhooks come in beside: the tables of an import nobody disturbed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from adapters.database import Database
from adapters.stripe.signature import SigningSecret, sign
from projections.ledger import ENTRIES, MOVEMENTS, OBJECTS, TOTALS
from tests.end_to_end.instance import Instance
from tests.end_to_end.test_command_line import started
from tests.stripe.stories import charge_event, line

SECRET = SigningSecret("local", b"whsec_beside_an_import")
MANY = 2_200
# Every fourth charge is refunded later, so that objects have more than one version.
EVENTS = [charge_event(number) for number in range(MANY)]
for _number in range(0, MANY, 4):
    _charge = EVENTS[_number]["data"]["object"]
    EVENTS.append(
        charge_event(
            MANY + _number,
            type="charge.refunded",
            data={
                "object": {**_charge, "amount_refunded": 100},
                "previous_attributes": {"amount_refunded": 0},
            },
        )
    )
# Imports in processes of their own, one after another: on a busy machine they take their time.
pytestmark = pytest.mark.timeout(300)
# What folds from the facts; the facts' own rows also say when each came to be known.
TABLES = (OBJECTS, ENTRIES, MOVEMENTS, TOTALS)


@pytest.fixture(scope="module")
def undisturbed(used_before: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return tables(imported(used_before(folder / "data"), written(folder, EVENTS))[0])


def written(folder: Path, events: Sequence[dict[str, Any]]) -> Path:
    file = folder / "events.jsonl"
    file.write_bytes(b"".join(map(line, events)))
    return file


def imported(data_dir: Path, file: Path) -> tuple[Path, dict[str, Any]]:
    process = started(data_dir, "stripe", "import", str(file), "--json")
    stdout, stderr = process.communicate(timeout=200)
    assert (process.returncode, stderr) == (0, "")
    return data_dir, json.loads(stdout)


async def _hashes(data_dir: Path) -> tuple[str, ...]:
    database = await Database.open(data_dir=data_dir)
    try:
        found = []
        for table in TABLES:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            rows = await database.pool.fetch(f"SELECT {names} FROM read.{table.name} ORDER BY {names}")
            found.append(f"{len(rows)} {sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()}")
        return tuple(found)
    finally:
        await database.close()


def tables(data_dir: Path) -> tuple[str, ...]:
    """Number and hash of the rows of every folded table."""
    return asyncio.run(_hashes(data_dir))


class Held:
    """An import that reads from a pipe: it can be no further than what was put in."""

    def __init__(self, data_dir: Path, folder: Path) -> None:
        pipe = folder / "events.jsonl"
        os.mkfifo(pipe)
        self.process = started(data_dir, "stripe", "import", str(pipe), "--json")
        self._end = pipe.open("wb", buffering=0)

    def put(self, events: Sequence[dict[str, Any]]) -> None:
        """Returns once all but the last few are read."""
        data = memoryview(b"".join(map(line, events)))
        while data:
            data = data[self._end.write(data[:4096]) :]

    def close(self) -> None:
        self._end.close()


def test_tables_are_those_of_an_undisturbed_import_when_one_was_killed_in_the_middle(
    undisturbed: tuple[str, ...], data_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "pipe").mkdir()
    held = Held(data_dir, tmp_path / "pipe")
    held.put(EVENTS[:2_000])  # batches are of 500: two of them at least are on the log
    held.process.send_signal(signal.SIGKILL)
    held.process.communicate()
    held.close()
    _, counts = imported(data_dir, written(tmp_path, EVENTS))
    assert counts["duplicates"] > 0, "it was not in the middle"
    assert counts["appended"] > 0, "it was not in the middle"
    assert counts["appended"] + counts["duplicates"] == len(EVENTS)
    assert tables(data_dir) == undisturbed


def test_tables_are_those_of_an_undisturbed_import_when_webhooks_come_in_beside_it(
    undisturbed: tuple[str, ...], data_dir: Path, tmp_path: Path
) -> None:
    instance = Instance(data_dir, VAULTRA_STRIPE__WEBHOOK_SECRETS=SECRET.key.decode()).start()
    (tmp_path / "pipe").mkdir()
    held = Held(instance.data_dir, tmp_path / "pipe")
    held.put(EVENTS[:MANY])
    # Of what is imported already, of what comes next, and of what ends it: in an order that is none.
    told = [*EVENTS[10:20], *EVENTS[MANY : MANY + 30], *EVENTS[-10:], *EVENTS[MANY : MANY + 5]]
    with instance.client() as client:
        answers = []
        for event in told:
            body = json.dumps(event).encode()
            headers = {"Stripe-Signature": sign(body, SECRET, now=int(time.time())).decode()}
            answers.append(client.post("/v1/webhooks/stripe", content=body, headers=headers).status_code)
    assert set(answers) == {200}
    held.put(EVENTS[MANY:])
    held.close()
    stdout, _ = held.process.communicate(timeout=200)
    counts = json.loads(stdout)
    assert counts["read"] == len(EVENTS)
    assert 40 <= counts["duplicates"] <= 50
    with instance.client() as client:
        while sum((client.get("/readyz").json().get("lag") or {"": 1}).values()):
            time.sleep(0.05)  # another process: there is nothing here to wait on
    instance.stop()
    assert tables(instance.data_dir) == undisturbed
