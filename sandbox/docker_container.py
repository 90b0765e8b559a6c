"""The settings of a box's container: what is in it, what it is cut off from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.types import LogConfig, Mount, Ulimit

from sandbox.docker_engine import LABEL
from sandbox.engine import Runtime
from sandbox.gvisor import OWN_THREADS, UNKNOWN_LIMITS
from sandbox.identity import Identity
from sandbox.inside import COMMAND, CORE, environment, rlimits, standard_streams
from sandbox.limits import Limits
from sandbox.seccomp_profile import profile

_PERIOD = 100_000  # µs


@dataclass(frozen=True, slots=True)
class Recipe:
    """What containers are made from."""

    image: str
    runtime: Runtime


def process_limit(limits: Limits, runtime: Runtime) -> int:
    return limits.pids + (OWN_THREADS if runtime == "runsc" else 0)


def create(
    client: docker.APIClient, recipe: Recipe, slot: Path, identity: Identity, limits: Limits, preload: Sequence[str]
) -> str:
    """Make the container, not started; returns its id. The bootstrap is its process 1 and collects orphans."""
    gvisor = recipe.runtime == "runsc"
    own_limits = rlimits(limits, without=UNKNOWN_LIMITS if gvisor else frozenset())
    arguments = [*COMMAND, standard_streams(limits), own_limits, *preload]
    host: dict[str, Any] = client.create_host_config(
        runtime=recipe.runtime,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges", f"seccomp={json.dumps(profile(gvisor=gvisor))}"],
        mem_limit=limits.memory,
        memswap_limit=limits.memory,  # memory and swap together
        cpu_period=_PERIOD,
        cpu_quota=int(limits.cpus * _PERIOD),
        pids_limit=process_limit(limits, recipe.runtime),
        ulimits=[Ulimit(name="core", soft=CORE, hard=CORE)],
        ipc_mode="private",
        shm_size=limits.shared_memory,
        log_config=LogConfig(type="none"),
        restart_policy={"Name": "no"},
        mounts=[
            Mount("/tmp", str(slot / "tmp"), type="bind"),
            Mount("/inputs", str(slot / "inputs"), type="bind", read_only=True),
            Mount("/program", str(slot / "program"), type="bind", read_only=True),
        ],
    )
    host["CgroupnsMode"] = "private"  # not among the client's parameters
    container = client.create_container(
        image=recipe.image,
        command=arguments,
        user=f"{identity.uid}:{identity.gid}",
        hostname="box",
        environment=environment(limits),
        working_dir="/tmp",
        stdin_open=True,
        network_disabled=True,
        labels={LABEL: slot.name},
        name=slot.name,
        host_config=host,
    )
    return str(container["Id"])
