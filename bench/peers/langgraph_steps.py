"""LangGraph's side, run by the bench with its own interpreter: five nodes that do nothing, PostgreSQL checkpoints.

`langgraph_steps.py DSN JOBS LONE` prints {"p50": seconds, "jobs_per_second": …}. Each step is durable before the next
begins (`durability="sync"`), as ours are.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from statistics import median
from typing import TypedDict

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

TEXT = "a question about the figures of a document, of ordinary length"
AT_ONCE = 16


class State(TypedDict):
    text: str


async def pass_on(state: State) -> State:
    return {"text": state["text"]}


async def measure(dsn: str, jobs: int, lone_jobs: int) -> dict[str, float]:
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(dsn, min_size=AT_ONCE, max_size=AT_ONCE, kwargs=options) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        builder = StateGraph(State)
        names = [f"step{n}" for n in range(5)]
        for name in names:
            builder.add_node(name, pass_on)
        for before, after in zip([START, *names], [*names, END], strict=True):
            builder.add_edge(before, after)
        graph = builder.compile(checkpointer=saver)

        async def job(name: str) -> float:
            started = time.perf_counter()
            await graph.ainvoke({"text": TEXT}, {"configurable": {"thread_id": name}}, durability="sync")
            return time.perf_counter() - started

        async def burst(run: str) -> float:
            started = time.perf_counter()
            limit = asyncio.Semaphore(AT_ONCE)

            async def one(number: int) -> None:
                async with limit:
                    await job(f"{run}-{number}")

            await asyncio.gather(*(one(number) for number in range(jobs)))
            return jobs / (time.perf_counter() - started)

        for number in range(10):
            await job(f"warm-{number}")
        p50 = median([await job(f"lone-{number}") for number in range(lone_jobs)])
        return {"p50": p50, "jobs_per_second": median([await burst(f"burst{n}") for n in range(3)])}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
