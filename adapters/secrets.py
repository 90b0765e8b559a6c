"""`StoredSecrets`: the configured secrets, and those that came to be while running, a file each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from adapters.ports import Secrets
from schemas.errors import SetupError, Unavailable


class StoredSecrets(Secrets):
    """`configured` by name wins; the others are files in `folder`, which only this account may read."""

    def __init__(self, configured: Mapping[str, str], folder: Path) -> None:
        self._configured = {name: value for name, value in configured.items() if value}
        self._folder = folder

    def get(self, name: str) -> str | None:
        if name in self._configured:
            return self._configured[name]
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unavailable(f"the secret {name} cannot be read: {error}") from error

    def put(self, name: str, value: str) -> None:
        if name in self._configured:
            raise SetupError(f"the secret {name} is configured and cannot be changed here")
        path = self._path(name)
        # Processes of several containers share the folder, and their numbers may be the same.
        temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise Unavailable(f"the secret {name} cannot be stored: {error.strerror}") from error

    def remove(self, name: str) -> None:
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"the secret {name} cannot be removed: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._folder / quote(name, safe="")
