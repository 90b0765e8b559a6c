"""Ids derived from causes."""

from __future__ import annotations

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import NAMESPACE, derived_id


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.text("abc/"), st.integers(0, 99))
def test_derived_id_is_the_uuid5_of_its_parts(cause: str, stage: str, ordinal: int) -> None:
    assert derived_id(cause, stage, ordinal) == str(uuid5(NAMESPACE, f"{cause}/{stage}/{ordinal}"))


def test_derived_id_never_changes_between_versions() -> None:
    assert derived_id("cause", "stage", 0) == "2af4d377-a913-5081-9eb9-13c44dc2c8ea"
