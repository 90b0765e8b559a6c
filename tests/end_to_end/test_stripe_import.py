"""`vaultra stripe import`, alone and beside a running instance, to the rows that people read."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas.stripe_events import business_id
from tests.end_to_end.instance import Instance
from tests.end_to_end.test_command_line import started
from tests.localstripe import KEY, LocalStripe
from tests.stripe.stories import charge_event, line


def run(data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    process = started(data_dir, "stripe", "import", *arguments)
    stdout, stderr = process.communicate(timeout=100)
    return process.returncode, stdout, stderr


def counted(data_dir: Path, *paths: Path | str, code: int = 0) -> dict[str, Any]:
    returned, stdout, stderr = run(data_dir, *map(str, paths), "--json")
    assert (returned, stderr) == (code, "")
    return json.loads(stdout)


def test_import_ends_with_its_counts_when_nothing_else_runs(data_dir: Path, tmp_path: Path) -> None:
    events = [charge_event(number) for number in range(50)]
    unhandled = charge_event(99, type="product.created", data={"object": {"id": "prod_1", "object": "product"}})
    (tmp_path / "a.jsonl").write_bytes(b"".join(map(line, [*events, unhandled])) + b"{broken\n")
    (tmp_path / "b.json").write_text(json.dumps(events[:20]))
    counts = counted(data_dir, tmp_path / "a.jsonl", tmp_path / "b.json", code=1)
    (broken,) = counts.pop("broken_at")
    assert (broken["file"], broken["line"]) == (str(tmp_path / "a.jsonl"), 52)
    assert counts == {
        "read": 71,
        "appended": 51,
        "duplicates": 20,
        "facts": 51,
        "unhandled": {"product.created": 1},
        "dead": {},
        "broken": 1,
    }


def test_import_is_shown_to_people_and_stands_beside_a_running_instance(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "events.json").write_text(json.dumps([charge_event(number) for number in range(7000, 7040)]))
    code, stdout, stderr = run(instance.data_dir, str(tmp_path / "events.json"))
    assert (code, stderr) == (0, "")
    rows = dict(row.rsplit(maxsplit=1) for row in stdout.splitlines() if row.strip())
    assert {name: rows[name] for name in ("read", "appended", "duplicates", "facts")} == {
        "read": "40",
        "appended": "40",
        "duplicates": "0",
        "facts": "40",
    }
    assert counted(instance.data_dir, tmp_path / "events.json")["duplicates"] == 40
    assert subprocess.run(["kill", "-0", str(instance.pid)], check=False).returncode == 0


def test_business_of_another_tenant_is_listed_for_it_alone_when_it_was_imported(
    instance: Instance, tmp_path: Path
) -> None:
    (tmp_path / "events.json").write_text(json.dumps([charge_event(7100)]))
    assert counted(instance.data_dir, tmp_path / "events.json", "--tenant", "acme")["appended"] == 1

    def listed(*arguments: str) -> list[str]:
        process = started(instance.data_dir, *arguments)
        stdout, stderr = process.communicate(timeout=100)
        assert (process.returncode, stderr) == (0, "")
        return [one["business_id"] for one in json.loads(stdout)]

    theirs = business_id("acme", None, True)
    deadline = time.monotonic() + 60
    while not (found := listed("business", "list", "--tenant", "acme", "--json")) and time.monotonic() < deadline:
        pass
    assert found == [theirs]
    assert theirs not in listed("business", "list", "--json")
    keys = started(instance.data_dir, "keys", "list", "--tenant", "acme")
    assert "acme" not in keys.communicate(timeout=100)[0]


def test_import_says_what_is_wrong_when_there_is_nothing_to_import(data_dir: Path, tmp_path: Path) -> None:
    code, _, stderr = run(data_dir, str(tmp_path / "nowhere.json"))
    assert (code, "does not exist" in stderr, "Traceback" in stderr) == (2, True, False)


def test_connect_prints_the_link_alone(instance: Instance) -> None:
    process = started(instance.data_dir, "stripe", "connect")
    stdout, stderr = process.communicate(timeout=100)
    assert (process.returncode, stderr) == (0, "")
    assert parse_qs(urlsplit(stdout.strip()).query)["client_id"] == ["ca_ours"]


def test_connect_asks_for_an_instance_when_none_runs(data_dir: Path) -> None:
    process = started(data_dir, "stripe", "connect")
    _, stderr = process.communicate(timeout=100)
    assert (process.returncode, "vaultra up" in stderr, "Traceback" in stderr) == (2, True, False)


async def test_account_is_imported_from_stripe_and_again_without_harm(data_dir: Path) -> None:
    stripe = LocalStripe()
    try:
        await stripe.post("/v1/customers", email="a@example.com")
        await stripe.post("/v1/payouts", amount="500", currency="eur", status="paid")
        settings = {"VAULTRA_STRIPE__API_KEY": KEY, "VAULTRA_STRIPE__API_BASE": stripe.url}
        for _ in range(2):
            process = started(data_dir, "stripe", "import", "--account", "platform", "--json", **settings)
            stdout, stderr = process.communicate(timeout=100)
            assert (process.returncode, stderr) == (0, "")
            counts = json.loads(stdout)
            assert (counts["appended"], counts["facts"], counts["dead"]) == (2, 2, {})
    finally:
        stripe.stop()


def test_account_is_not_imported_when_no_key_is_configured(data_dir: Path) -> None:
    code, _, stderr = run(data_dir, "--account", "acct_1")
    assert (code, "VAULTRA_STRIPE__API_KEY" in stderr, "Traceback" in stderr) == (2, True, False)


def _sample_events(folder: Path) -> list[dict[str, Any]]:
    """Every event among other people's fixtures, under an id of its own: in theirs, ids repeat from file to file."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        payload = json.loads(path.read_bytes())
        if isinstance(payload, dict) and payload.get("object") == "event":
            found.append({**payload, "id": f"evt_sample_{len(found)}"})
    return found


def test_every_sample_event_ends_as_facts_or_as_a_named_unhandled_type(
    data_dir: Path, tmp_path: Path, shared_data: Path
) -> None:
    events = _sample_events(shared_data / "stripe" / "events")
    assert len(events) > 100
    (tmp_path / "samples.jsonl").write_bytes(b"".join(map(line, events)))
    counts = counted(data_dir, tmp_path / "samples.jsonl")
    assert (counts["read"], counts["appended"], counts["duplicates"]) == (len(events), len(events), 0)
    assert (counts["dead"], counts["broken"]) == ({}, 0)
    unhandled = sum(counts["unhandled"].values())
    assert set(counts["unhandled"]) <= {event["type"] for event in events}
    # Every other one made a fact at least, and those of which none is made are facts of their own, by name.
    assert 0 < unhandled < len(events) <= counts["facts"]
