"""Events as messages and back: whatever is in them comes out the same; what is no event is said to be none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import BlobRef, EventData
from schemas.documents import Box, Document, DocumentDescribed, DocumentRefused, Figure, Original, Picture
from schemas.envelope import Event
from schemas.errors import InvalidEvent
from schemas.registry import parse_data
from schemas.wire import decode, encode

EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "vaultra.document.received.v1.json"
VALUE = EXAMPLE.read_bytes()
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e1",
    "type": "vaultra.document.received.v1",
    "source": "api",
    "subject": "job",
    "time": "2024-01-17T09:30:00+00:00",
    "correlationid": "job",
    "tenantid": "local",
    "partitionkey": "job",
}

texts = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4)
blobs = st.builds(
    BlobRef,
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    size=st.integers(0, 10**9),
    media_type=st.just("image/png"),
)
pixels = st.integers(0, 10_000)
figures = st.builds(
    Figure,
    label=texts,
    value=amounts,
    unit=st.none() | texts,
    text=texts,
    confidence=st.floats(0, 1),
    box=st.builds(Box, x=pixels, y=pixels, width=pixels, height=pixels),
)
originals = st.builds(
    Original,
    sha256=st.just("a" * 64),
    size=st.integers(0, 10**9),
    media_type=st.none() | texts,
    filename=st.none() | texts,
)
data: st.SearchStrategy[EventData] = st.one_of(
    st.builds(DocumentRefused, code=st.sampled_from(["empty", "broken"]), reason=texts, original=originals),
    st.builds(
        DocumentDescribed,
        picture=st.builds(Picture, blob=blobs, width=pixels, height=pixels),
        document=st.builds(
            Document,
            kind=st.just("invoice"),
            total=st.none() | amounts,
            date=st.none() | st.dates(),
            figures=st.lists(figures, max_size=3).map(tuple),
        ),
        description=blobs,
        question=st.none() | texts,
        model=texts,
    ),
)
events = st.builds(
    Event,
    id=names,
    source=names,
    subject=names,
    time=st.datetimes(timezones=st.just(UTC)),
    correlationid=names,
    causationid=st.none() | names,
    tenantid=names,
    partitionkey=names,
    traceparent=st.none() | names,
    data=data,
)


@given(events)
def test_event_is_the_same_when_it_went_over_the_wire(event: Event[EventData]) -> None:
    message = encode(event, "documents")
    assert decode(message.attributes, message.value) == event
    assert (message.key, message.id, message.tenant) == (event.partitionkey, event.id, event.tenantid)
    assert encode(decode(message.attributes, message.value), "documents") == message


@given(events)
def test_amounts_are_strings_of_digits_when_written(event: Event[EventData]) -> None:
    def floats(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [found for name, part in value.items() for found in ([name] if _is_float(part) else floats(part))]
        return [found for part in value for found in floats(part)] if isinstance(value, list) else []

    assert set(floats(json.loads(encode(event, "documents").value))) <= {"confidence"}


def _is_float(value: Any) -> bool:
    return isinstance(value, float)


@pytest.mark.parametrize("name", sorted(set(ATTRIBUTES) - {"specversion"}))
def test_event_is_invalid_when_an_attribute_is_missing_or_empty(name: str) -> None:
    for attributes in ({**ATTRIBUTES, name: ""}, {key: value for key, value in ATTRIBUTES.items() if key != name}):
        with pytest.raises(InvalidEvent, match=name):
            decode(attributes, VALUE)


@pytest.mark.parametrize("name", ["causationid", "traceparent", "specversion"])
def test_event_is_read_when_an_optional_attribute_is_missing(name: str) -> None:
    assert decode({key: value for key, value in ATTRIBUTES.items() if key != name}, VALUE).id == "e1"


@pytest.mark.parametrize(
    "time", ["yesterday", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+01:00", "0"]
)
def test_event_is_invalid_when_its_time_is_not_utc(time: str) -> None:
    with pytest.raises(InvalidEvent, match="time"):
        decode({**ATTRIBUTES, "time": time}, VALUE)


def test_time_is_read_when_it_ends_in_z() -> None:
    assert decode({**ATTRIBUTES, "time": "2024-01-17T09:30:00Z"}, VALUE).time == datetime(
        2024, 1, 17, 9, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", VALUE[:-20], VALUE + b"x", b"[" * 100_000, b'{"a":' * 50_000],
    ids=lambda value: repr(value)[:12],
)
def test_event_is_invalid_when_its_value_is_broken(value: bytes | None) -> None:
    with pytest.raises(InvalidEvent):
        decode(ATTRIBUTES, value)


def test_error_holds_nothing_of_the_data_when_a_field_is_wrong() -> None:
    wrong = {**json.loads(VALUE), "question": ["a secret question"]}
    with pytest.raises(InvalidEvent) as caught:
        decode(ATTRIBUTES, json.dumps(wrong).encode())
    assert "secret question" not in str(caught.value)
    assert "question" in str(caught.value)


@given(
    st.dictionaries(st.sampled_from([*ATTRIBUTES, "other"]), st.text(max_size=30)), st.none() | st.binary(max_size=60)
)
def test_noise_is_an_invalid_event_and_nothing_worse(noise: dict[str, str], value: bytes | None) -> None:
    with pytest.raises(InvalidEvent):
        decode({**ATTRIBUTES, **noise}, value)


@pytest.mark.parametrize(
    "amount", ["1E+999999999", "-1E-999999999", "0E-999999999", "NaN", "Infinity", "1" * 5000, "x", None, True, []]
)
def test_amount_is_refused_when_it_is_no_number_that_can_be_written(amount: object) -> None:
    example = json.loads((EXAMPLE.parent / "vaultra.document.described.v1.json").read_bytes())
    example["document"]["figures"][0]["value"] = amount
    with pytest.raises(ValueError, match="value"):
        parse_data("vaultra.document.described.v1", json.dumps(example).encode())


@pytest.mark.parametrize(
    ("written", "meant"), [("1E+3", "1000"), ("-0.50", "-0.50"), ("1e-7", "0.0000001"), (12, "12")]
)
def test_amount_is_plain_digits_when_it_was_written_otherwise(written: object, meant: str) -> None:
    example = json.loads((EXAMPLE.parent / "vaultra.document.described.v1.json").read_bytes())
    example["document"]["total"] = written
    described = parse_data("vaultra.document.described.v1", json.dumps(example).encode())
    assert isinstance(described, DocumentDescribed)
    assert described.document.total == Decimal(meant)
    assert json.loads(described.model_dump_json())["document"]["total"] == meant
