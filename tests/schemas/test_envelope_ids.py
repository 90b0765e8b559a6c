"""Ids: the same work gives the same id, different work never does, and uploads sort by time."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import derived_id, upload_id, uuid7

MOST_MS = (1 << 48) - 1


def test_derived_ids_never_change_because_the_log_holds_them() -> None:
    assert derived_id("cause", "vision", 0) == "349abd29-3ffa-54d2-b580-dde52b5d9371"
    assert upload_id("local", "key") == "a84debab-85d6-53b1-afce-a23c021a3043"


@given(st.text(max_size=20), st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.integers(0, 1000))
def test_derived_id_is_the_same_when_the_work_is_the_same(cause: str, stage: str, ordinal: int) -> None:
    assert derived_id(cause, stage, ordinal) == derived_id(cause, stage, ordinal)
    assert UUID(derived_id(cause, stage, ordinal)).version == 5


def test_derived_ids_differ_when_cause_stage_or_ordinal_differ() -> None:
    ids = {derived_id(cause, stage, n) for cause in ("a", "b") for stage in ("s", "t") for n in range(10)}
    assert len(ids) == 40


def test_upload_ids_differ_when_two_tenants_use_one_key() -> None:
    assert upload_id("a", "key") != upload_id("b", "key")
    assert upload_id("a", "key") == upload_id("a", "key")


@given(st.integers(0, MOST_MS), st.binary(min_size=10, max_size=10))
def test_uuid7_holds_its_time_whatever_the_randomness(unix_ms: int, randomness: bytes) -> None:
    made = UUID(uuid7(unix_ms, randomness))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == unix_ms


@given(st.integers(0, MOST_MS - 1), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_uuid7_sorts_by_time_whatever_the_randomness(unix_ms: int, one: bytes, other: bytes) -> None:
    assert uuid7(unix_ms, one) < uuid7(unix_ms + 1, other)


def test_uuid7_keeps_its_randomness_apart_from_version_and_variant() -> None:
    assert uuid7(0, b"\xff" * 10) == "00000000-0000-7fff-bfff-ffffffffffff"
    assert uuid7(0, b"\x00" * 10) == "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("length", [0, 9, 11, 16])
def test_uuid7_is_refused_when_the_randomness_is_not_ten_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(0, b"\x00" * length)
