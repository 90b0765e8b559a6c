"""Older versions are read as the newest; what nobody knows is said to be unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import pytest

from schemas.base import Amount, EventData
from schemas.errors import InvalidEvent, SetupError, UnknownEventType, UnknownEventVersion
from schemas.registry import EVENT_TYPES, Upcaster, parse_data, register


class Paid(EventData):
    """Version 2: an amount with its currency. Version 1 had `cents`, version 0 `dollars`."""

    TYPE: ClassVar[str] = "vaultra.test.paid.v2"
    amount: Amount
    currency: str


def _dollars_to_cents(old: dict[str, Any]) -> dict[str, Any]:
    return {"cents": int(old["dollars"]) * 100}


def _cents_to_amount(old: dict[str, Any]) -> dict[str, Any]:
    return {"amount": str(Decimal(old["cents"]) / 100), "currency": "USD"}


TYPES: dict[str, type[EventData]] = {Paid.TYPE: Paid}
UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "vaultra.test.paid.v0": ("vaultra.test.paid.v1", _dollars_to_cents),
    "vaultra.test.paid.v1": (Paid.TYPE, _cents_to_amount),
}


def read(type_name: str, value: bytes) -> EventData:
    return parse_data(type_name, value, types=TYPES, upcasters=UPCASTERS)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("vaultra.test.paid.v0", b'{"dollars": "12"}'),
        ("vaultra.test.paid.v1", b'{"cents": 1200}'),
        ("vaultra.test.paid.v2", b'{"amount": "12", "currency": "USD"}'),
        ("vaultra.test.paid.v2", b'{"amount": "12.00", "currency": "USD", "added_later": 1}'),
    ],
)
def test_event_is_read_as_the_newest_version_whenever_it_was_written(type_name: str, value: bytes) -> None:
    assert read(type_name, value) == Paid(amount=Decimal(12), currency="USD")


@pytest.mark.parametrize(
    "value", [b"{}", b"[]", b"null", b"5", b'{"cents": "many"}', b'{"cents": null}', b"{", b"", b"\xff", b"[" * 100_000]
)
def test_event_is_invalid_when_it_cannot_be_upcast(value: bytes) -> None:
    with pytest.raises(InvalidEvent):
        read("vaultra.test.paid.v1", value)


def test_version_is_unknown_when_only_others_are_known() -> None:
    with pytest.raises(UnknownEventVersion, match=r"version v3 is not known, only vaultra\.test\.paid\.v2"):
        read("vaultra.test.paid.v3", b"{}")


@pytest.mark.parametrize("type_name", ["vaultra.test.refunded.v1", "", "v1", "vaultra.test.paid", "постоянно.v1"])
def test_type_is_unknown_when_nobody_declared_it(type_name: str) -> None:
    with pytest.raises(UnknownEventType):
        read(type_name, b"{}")


def test_version_is_unknown_when_an_upcaster_leads_nowhere() -> None:
    with pytest.raises(UnknownEventVersion):
        parse_data(
            "vaultra.test.paid.v1",
            b'{"cents": 1}',
            types=TYPES,
            upcasters={"vaultra.test.paid.v1": ("vaultra.test.paid.v9", _cents_to_amount)},
        )


def test_registered_type_is_refused_when_its_name_is_taken() -> None:
    taken = next(iter(EVENT_TYPES))

    class Impostor(EventData):
        TYPE: ClassVar[str] = taken

    with pytest.raises(SetupError, match="declared twice"):
        register(Impostor)
    register(EVENT_TYPES[taken])
    assert EVENT_TYPES[taken] is not Impostor
