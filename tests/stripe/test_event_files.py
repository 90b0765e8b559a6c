"""Files of events: the forms they come in, and what is said about those that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from adapters.stripe.event_files import Broken, event_files, read_events
from adapters.stripe.reading import StripeEvent
from schemas.errors import SetupError
from tests.stripe.stories import charge_event, line

EVENTS = [charge_event(number) for number in range(3)]


def found(*paths: Path) -> tuple[list[str], list[str]]:
    """Ids of the events, and where something was broken, by the file's name."""
    events, broken = [], []
    for one in read_events(event_files(paths)):
        if isinstance(one, StripeEvent):
            events.append(one.head.id)
        else:
            broken.append(f"{Path(one.file).name}:{one.line}")
    return events, broken


IDS = [event["id"] for event in EVENTS]
LIST = {"object": "list", "url": "/v1/events", "has_more": False, "data": EVENTS}
FORMS = {
    "single.json": json.dumps(EVENTS[0]),
    "pretty.json": json.dumps(EVENTS[0], indent=2),
    "windows.json": json.dumps(EVENTS[0], indent=2).replace("\n", "\r\n"),
    "array.json": json.dumps(EVENTS),
    "pretty_array.json": json.dumps(EVENTS, indent=2),
    "array_of_lines.json": "[\n" + ",\n".join(json.dumps(event) for event in EVENTS) + "\n]\n",
    "array_that_begins_with_an_event.json": "[" + ",\n".join(json.dumps(event) for event in EVENTS) + "]",
    "envelope.json": json.dumps(LIST),
    "pretty_envelope.json": json.dumps(LIST, indent=2),
    "lines.jsonl": "".join(json.dumps(event) + "\n" for event in EVENTS),
    "lines.json": "\r\n\r\n".join(json.dumps(event) for event in EVENTS),
    "envelopes.ndjson": json.dumps(LIST) + "\n\n",
    "marked.json": "\ufeff" + json.dumps(EVENTS, indent=2),
    "marked.jsonl": "\ufeff" + "".join(json.dumps(event) + "\n" for event in EVENTS),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_events_are_found_in_every_form(tmp_path: Path, name: str, packed: bool) -> None:
    data = FORMS[name].encode()
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    single = name.split(".")[0] in ("single", "pretty", "windows")
    assert found(path) == (IDS[:1] if single else IDS, [])


def test_text_of_an_event_is_kept_byte_for_byte_when_it_stands_alone(tmp_path: Path) -> None:
    pretty = json.dumps(EVENTS[0], indent=3)
    spaced = '{ "id":"evt_x", "object":"event","type":"a.b"  }'
    (tmp_path / "a.json").write_text(pretty)
    (tmp_path / "b.jsonl").write_text(spaced + "\n")
    bodies = [one.body for one in read_events(event_files([tmp_path])) if isinstance(one, StripeEvent)]
    assert bodies == [pretty, spaced]


def test_folder_is_searched_for_names_of_events_only(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "b.jsonl").write_bytes(line(EVENTS[1]))
    (tmp_path / "a.json").write_bytes(line(EVENTS[0]))
    (tmp_path / "README.md").write_text("not an event")
    assert found(tmp_path) == (IDS[:2], [])
    for nothing in (tmp_path / "nowhere", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(SetupError):
            event_files([nothing])


def test_broken_lines_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    lines = [line(EVENTS[0]), b'{"id": "evt_9", \n', b"\n", b"\xff\n", line({"id": "ch_1", "object": "charge"})]
    lines += [line(EVENTS[1]), b"[1, 2]\n", b'{"object":"list"}\n', b'{"a": "' + b"x" * 1_100_000 + b'"}\n']
    (tmp_path / "a.jsonl").write_bytes(b"".join([*lines, line(EVENTS[2]).rstrip()]))
    events, broken = found(tmp_path)
    assert events == IDS
    assert broken == [f"a.jsonl:{number}" for number in (2, 4, 5, 7, 7, 8, 9)]


def test_bare_object_is_called_what_it_is_when_it_stands_in_place_of_an_event(tmp_path: Path) -> None:
    charge = {"id": "ch_1", "object": "charge", "amount": 5}
    (tmp_path / "a.jsonl").write_bytes(line(charge) + line({"object": "list", "data": [charge, {"object": "<b>"}]}))
    first, second, third = [one for one in read_events([tmp_path / "a.jsonl"]) if isinstance(one, Broken)]
    assert first.reason.startswith("this is an object (charge), not an event: import the events")
    assert second.reason.startswith("element 1: this is an object (charge), not an event")
    assert third.reason == "element 2: The body is a JSON object, but no Stripe event."


def test_broken_files_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(EVENTS, indent=2)[:-20])
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line(EVENTS[1]) * 50)[:-30])
    (tmp_path / "c.json.gz").write_bytes(b"no gzip")
    (tmp_path / "d.json").write_bytes(b"")
    (tmp_path / "e.json").write_bytes(b"[" * 100_000)
    (tmp_path / "f.jsonl").write_bytes(b'{"first": line is cut\n' + line(EVENTS[0]))
    events, broken = found(tmp_path)
    assert set(events) <= {IDS[0], IDS[1]}
    assert events[-1] == IDS[0]
    assert {place.split(":")[0] for place in broken} == {"a.json", "b.jsonl.gz", "c.json.gz", "e.json", "f.jsonl"}


def test_bytes_read_are_told_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(line(charge_event(number)) for number in range(2000))))
    told: list[int] = []
    assert not [one for one in read_events([path], told.append) if isinstance(one, Broken)]
    assert sum(told) == path.stat().st_size
