"""The root tree as a Docker image: the same files, imported without a registry."""

from __future__ import annotations

import tarfile
import tempfile
from functools import partial

import docker
from docker.errors import ImageNotFound

from sandbox.backend import Progress
from sandbox.root_tree import RootTree

REPOSITORY = "vaultra-sandbox"
_CHUNK = 1 << 20


def image_of(client: docker.APIClient, root: RootTree, progress: Progress) -> str:
    """Id of the image with exactly this tree; imported when the engine does not have it yet (some seconds)."""
    tag = root.home.name.removeprefix("sandbox-root-")
    name = f"{REPOSITORY}:{tag}"
    try:
        return str(client.inspect_image(name)["Id"])
    except ImageNotFound:
        progress("importing the sandbox's root tree into Docker", 0.0)
    with tempfile.TemporaryFile(dir=root.home.parent) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(root.tree, arcname=".", filter=_anonymous)
        file.seek(0)
        # In pieces: a file would be announced with its length and sent in chunks, which is no valid request.
        pieces = iter(partial(file.read, _CHUNK), b"")
        client.import_image_from_stream(pieces, repository=REPOSITORY, tag=tag)
    progress("the sandbox's image is ready", 1.0)
    return str(client.inspect_image(name)["Id"])


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Root's, without times: equal trees give equal layers."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry
