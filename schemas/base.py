"""What every event's data has in common: frozen, a declared type, decimals as strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def _plain(value: Decimal) -> str:
    """Decimal digits without an exponent: `Decimal('1E+3')` is written `1000`."""
    return format(value, "f")


def _writable(value: Decimal) -> Decimal:
    """Refuse what a document never states but what would fill the memory when written out: `1E+999999999`."""
    if abs(value.adjusted()) > MAX_MAGNITUDE:
        raise ValueError(f"the number is beyond 1E±{MAX_MAGNITUDE}")
    return value


MAX_MAGNITUDE = 100

# A decimal number; in JSON a string such as "1234.50", never a float.
Amount = Annotated[
    Decimal,
    AfterValidator(_writable),
    PlainSerializer(_plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}, mode="serialization"),
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Value(BaseModel):
    """A part of an event. Frozen; unknown fields are ignored so that older readers survive newer writers."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class EventData(Value):
    """The data of one event. `TYPE` is `vaultra.<context>.<fact>.v<N>`; a released shape is never edited."""

    TYPE: ClassVar[str]


class BlobRef(Value):
    """Bytes in the blob store, named by their SHA-256. `size` in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]
    media_type: str
