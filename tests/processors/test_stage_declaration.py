"""A stage that is declared wrongly fails at once, with a message that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from processors.stage import Stage, stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import SetupError
from tests.events import event_of


class Asked(EventData):
    TYPE: ClassVar[str] = "vaultra.test.asked.v1"


class Answered(EventData):
    TYPE: ClassVar[str] = "vaultra.test.answered.v1"


class Better(Answered):
    TYPE: ClassVar[str] = "vaultra.test.better.v1"


ASKED = event_of(Asked())


def declared(function: Callable[..., Any], **changes: Any) -> Stage:
    plain: dict[str, Any] = {"consumes": [Asked], "emits": [Answered], "timeout": 1.0, "retries": 0}
    return stage(changes.pop("name", "answering"), **{**plain, **changes})(function)


async def answer(event: Event[Asked], *, model: str, memo: int) -> Sequence[EventData]:
    return [Answered()] if model and memo else []


async def test_stage_runs_with_the_ports_it_names_when_there_are_more() -> None:
    outputs = await declared(answer)(ASKED, {"model": "m", "memo": 1, "other": None})
    assert list(outputs) == [Answered()]
    assert declared(answer).ports == ("model", "memo")
    assert declared(answer).version == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "not a name"}, "not an identifier"),
        ({"name": ""}, "not an identifier"),
        ({"name": "a.retry"}, "not an identifier"),
        ({"consumes": []}, "consumes nothing"),
        ({"timeout": 0}, "timeout must be positive"),
        ({"timeout": -1.0}, "timeout must be positive"),
        ({"retries": -1}, "retries not negative"),
        ({"version": 0}, "version at least 1"),
    ],
)
def test_stage_is_refused_when_its_declaration_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SetupError, match=words):
        declared(answer, **changes)


def _not_async(event: Event[Asked]) -> Sequence[EventData]:
    return []


async def _no_event() -> Sequence[EventData]:
    return []


async def _event_by_keyword(*, event: Event[Asked]) -> Sequence[EventData]:
    return []


async def _positional_port(event: Event[Asked], model: str) -> Sequence[EventData]:
    return []


async def _any_port(event: Event[Asked], **ports: Any) -> Sequence[EventData]:
    return []


async def _many_events(*events: Event[Asked]) -> Sequence[EventData]:
    return []


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_not_async, "not an async function"),
        (_no_event, "must take the event first"),
        (_event_by_keyword, "must take the event first"),
        (_many_events, "must take the event first"),
        (_positional_port, "keyword-only"),
        (_any_port, "keyword-only"),
    ],
)
def test_stage_is_refused_when_its_function_has_the_wrong_shape(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(SetupError, match=words):
        declared(function)


def test_ports_are_refused_when_one_is_missing_and_all_missing_ones_are_named() -> None:
    with pytest.raises(SetupError, match=r"answering needs ports.*model, memo"):
        declared(answer).check_ports({"other": 1})
    declared(answer).check_ports({"model": None, "memo": None, "other": 1})


async def test_output_is_refused_when_it_is_not_declared() -> None:
    async def wrong(event: Event[Asked]) -> Sequence[EventData]:
        return [Answered(), Asked()]

    with pytest.raises(SetupError, match="returned Asked, which it does not declare"):
        await declared(wrong)(ASKED, {})


async def test_output_is_refused_when_only_its_parent_class_is_declared() -> None:
    async def better(event: Event[Asked]) -> Sequence[EventData]:
        return [Better()]

    with pytest.raises(SetupError, match="returned Better"):
        await declared(better)(ASKED, {})


def test_giving_up_is_checked_like_any_output() -> None:
    giving_up = declared(answer, gives_up=lambda event, reason: [Asked()])
    assert giving_up.gives_up is not None
    with pytest.raises(SetupError, match="does not declare"):
        giving_up.check_outputs(giving_up.gives_up(ASKED, "no"))
