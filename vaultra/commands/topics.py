"""`vaultra topics`: the declared topics on Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from streams import kafka_topics
from streams.kafka_topics import TopicState
from vaultra.catalogue import all_topics
from vaultra.kafka import kafka_connection
from vaultra.settings import Settings


async def check(settings: Settings) -> list[TopicState]:
    """Every declared topic as it stands. Raises SetupError or Unavailable."""
    connection = kafka_connection(settings)
    await connection.reach(settings.kafka.patience)
    return await kafka_topics.inspect_settings(connection, all_topics())


async def create(settings: Settings, console: Console, *, add_partitions: bool) -> None:
    """Make what is missing and say what was made."""
    connection = kafka_connection(settings)
    await connection.reach(settings.kafka.patience)
    before = await kafka_topics.create(
        connection, all_topics(), copies=settings.kafka.replication, add_partitions=add_partitions
    )
    changed = [state for state in before if not state.usable]
    for state in changed:
        verb = "widened" if state.standing else "made"
        console.print(f"{verb} {connection.topic(state.topic.name)}: {state.topic.partitions} partitions")
    console.print(f"{len(before)} topics stand as declared, {len(changed)} of them new or widened")


def show(states: Sequence[TopicState], console: Console) -> None:
    """One line for each topic that is not as declared, and a sum."""
    for state in states:
        if not state.usable:
            console.print(f"[red]wrong[/red]  {state}")
        elif state.standing > state.topic.partitions:
            console.print(f"[yellow]note[/yellow]   {state}: those beyond stay empty and are not read")
        for difference in state.differing:
            console.print(f"[yellow]note[/yellow]   topic {state.topic.name} has {difference}", highlight=False)
    wrong = sum(not state.usable for state in states)
    console.print(f"{len(states)} topics, {wrong} not as declared" + (": run `vaultra topics create`" if wrong else ""))


def as_json(states: Sequence[TopicState]) -> list[dict[str, Any]]:
    return [
        {
            "topic": state.topic.name,
            "declared": state.topic.partitions,
            "standing": state.standing,
            "usable": state.usable,
            "differing": list(state.differing),
        }
        for state in states
    ]
