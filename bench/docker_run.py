"""`docker run` with runc on an engine of its own: what a program costs where people reach for a container."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.backend import silent
from sandbox.docker_engine import connect
from sandbox.docker_image import image_of
from sandbox.engine import Engine
from sandbox.root_tree import RootTree
from tests.sandbox.docker_daemon import running_engine

_LIMITS = ("--network=none", "--read-only", "--memory=1g", "--memory-swap=1g", "--cpus=2", "--pids-limit=64")
_WALLS = ("--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534", "--tmpfs=/tmp:size=100m")


def is_possible() -> bool:
    """Whether an engine and its client are installed."""
    return all(shutil.which(program) for program in ("dockerd", "docker"))


@contextmanager
def docker_run(root: RootTree, program: str) -> Iterator[Callable[[], None]]:
    """A function that runs the program once, in a new container of the sandbox's own tree; raises when it fails."""
    with running_engine() as url:
        client = connect(Engine(url, "runc"))
        image = image_of(client, root, silent)
        client.close()
        command = ["docker", "--host", url, "run", "--rm", *_LIMITS, *_WALLS, image]
        command += ["/usr/bin/python3", "-I", "-S", "-c", program]

        def run() -> None:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        yield run
