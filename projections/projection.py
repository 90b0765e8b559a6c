"""The declaration of a projection: its tables, the topics it reads, and the pure function from a fact to rows.

Rows merge by rules that are commutative and idempotent, so facts may come in any order and more than once. Nothing
here touches a database: `projections/writing.py` writes rows, `projections/runner.py` commits them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic_core import SchemaValidator, core_schema, from_json, to_json

from projections.source import LogRecord
from schemas.errors import InvalidEvent, SetupError
from schemas.registry import UPCASTERS

Row = tuple[Any, ...]
NO_OFFSET = timedelta(0)
# Checks that bytes are a JSON object without making Python objects of it.
_ANY_OBJECT = SchemaValidator(core_schema.typed_dict_schema({}, extra_behavior="ignore"))


class Fact:
    """A record as a projection sees it. Raises KeyError, ValueError or InvalidEvent for one that is no event.

    Events were validated when they were appended; here only what a projection reads is looked at. `job` is the
    correlation id.
    """

    __slots__ = ("_data", "causation", "id", "job", "offset", "record", "tenant", "time", "type")

    def __init__(self, record: LogRecord) -> None:
        attributes = record.attributes
        self.record = record
        self.offset = record.offset
        self.id = attributes["id"]
        self.type = attributes["type"]
        while self.type in UPCASTERS:
            self.type, _ = UPCASTERS[self.type]
        self.tenant = attributes["tenantid"]
        self.job = attributes["correlationid"]
        self.causation = attributes.get("causationid")
        self.time = datetime.fromisoformat(attributes["time"])
        if self.time.utcoffset() != NO_OFFSET:
            raise InvalidEvent(f"attribute time is not UTC: {attributes['time']!r}")
        self._data: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The event's data as parsed JSON, upcast: made once, when first asked for."""
        if self._data is None:
            data = from_json(self.record.value or b"", cache_strings="keys")
            if not isinstance(data, dict):
                raise InvalidEvent(f"data of {self.type} is no JSON object")
            written = self.record.attributes["type"]
            while written in UPCASTERS:
                written, upcast = UPCASTERS[written]
                data = upcast(data)
            self._data = data
        return self._data

    @property
    def json(self) -> str:
        """The event's data as JSON text, as it stands on the log where its type is current."""
        if self.type != self.record.attributes["type"]:
            return to_json(self.data).decode()
        value = self.record.value or b""
        _ANY_OBJECT.validate_json(value)
        return value.decode()


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `merge` says what becomes of it when two rows have one key:

    `first`: it comes with the whole row that has the least offset; `least`, `greatest`: by itself, nulls aside.
    """

    name: str
    type: str
    merge: Literal["first", "least", "greatest"] = "first"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table. `key` names the leading columns; `indexes` are column lists in SQL.

    Either no column merges by itself – then one row a key stays, the one with the least `"offset"` (the same event
    appended twice is the first of the two) – or all but the key do. A `derived` table is written by a refold alone.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[str, ...] = ()
    settings: str = ""
    derived: bool = False

    def __post_init__(self) -> None:
        if self.names[: len(self.key)] != self.key:
            raise SetupError(f"table {self.name}: the key must be the leading columns")
        if not self.derived and self.merges == (self.offset_at is not None):
            raise SetupError(f"table {self.name}: either an offset decides between two rows, or every column merges")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def merges(self) -> bool:
        return any(column.merge != "first" for column in self.columns[len(self.key) :])

    @property
    def offset_at(self) -> int | None:
        """Where the column `offset` stands."""
        return self.names.index("offset") if "offset" in self.names else None


ApplyFunction = Callable[[Fact], Iterable[tuple[Table, Row]]]


@dataclass(frozen=True, slots=True, eq=False)
class Refold:
    """Rows that follow from all rows of `source` with one key, `by`: made again whenever one of them is added.

    `function` takes the rows of many keys, those of one key together. It is pure and gives the same rows whatever the
    order of the keys and of their rows. The tables it fills have `by` as their leading columns.
    """

    source: Table
    by: tuple[str, ...]
    into: tuple[Table, ...]
    function: Callable[[Iterable[Sequence[Row]]], Iterable[tuple[Table, Row]]]

    def __post_init__(self) -> None:
        for table in (self.source, *self.into):
            if table.names[: len(self.by)] != self.by or table.derived != (table in self.into):
                raise SetupError(f"table {table.name} cannot take part in a refold by {', '.join(self.by)}")


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A projection: `apply` is pure and gives the rows one fact makes. Raises SetupError on misuse.

    A change of its tables, or of what `apply` makes of a fact, is a new `version`: it is rebuilt beside the old one.
    Without `reads_data`, facts come without their data, and faster.
    """

    name: str
    version: int
    topics: tuple[str, ...]
    tables: tuple[Table, ...]
    apply: ApplyFunction
    refold: Refold | None = None
    reads_data: bool = True

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.name.islower()):
            raise SetupError(f"projection name {self.name!r} is not a lower-case identifier")
        if self.version < 1 or not self.topics or not self.tables:
            raise SetupError(f"projection {self.name} needs a version of at least 1, topics and tables")


def printable(text: str | None) -> str | None:
    """Text as PostgreSQL can hold it: NUL, which a hostile client may send, becomes the replacement character."""
    return text.replace("\0", "\ufffd") if text else text
