"""What is not run at all, and why, in a sentence for people."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.critic.policy import foreign_encoding
from sandbox.limits import MIB, Limits

_INPUT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_ENVIRONMENT = 32 * 1024  # bytes of names and values together


class NotRunnable(Exception):
    """The message says why."""


def text_of(code: str | bytes, limits: Limits) -> str:
    """The program as text. Raises NotRunnable: empty, too large, not UTF-8, NUL, another encoding declared."""
    try:
        size = len(code.encode() if isinstance(code, str) else code)
        if size > limits.code:
            raise NotRunnable(f"The code is larger than {limits.code // 1024} KiB.")
        text = code if isinstance(code, str) else code.decode("utf-8-sig")
    except UnicodeEncodeError as error:
        raise NotRunnable("The code is not valid Unicode text.") from error
    except UnicodeDecodeError as error:
        raise NotRunnable(f"The code is not UTF-8: {error.reason} at byte {error.start}.") from error
    if not text.strip():
        raise NotRunnable("There is no code to run.")
    if "\0" in text:
        raise NotRunnable("The code contains a NUL character.")
    declared = foreign_encoding(text)
    if declared is not None:
        # It would run as UTF-8 all the same; whoever honours the declaration would have reviewed another program.
        raise NotRunnable(f"The code declares the encoding {declared[1]} in line {declared[0]}; it must be UTF-8.")
    return text


def check_inputs(inputs: Mapping[str, bytes], limits: Limits) -> None:
    """Raises NotRunnable: a name that is no plain file name, or more than fits."""
    for name in inputs:
        if not _INPUT_NAME.fullmatch(name):
            raise NotRunnable(f"An input cannot be called {name!r}.")
    if sum(map(len, inputs.values())) > limits.inputs:
        raise NotRunnable(f"The inputs are larger than {limits.inputs // MIB} MiB.")


def check_environment(env: Mapping[str, str]) -> None:
    """Raises NotRunnable: a name that is no variable's, a NUL, or more than fits."""
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name):
            raise NotRunnable(f"An environment variable cannot be called {name!r}.")
        if "\0" in value:
            raise NotRunnable(f"The environment variable {name} contains a NUL character.")
    if sum(len(name) + len(value) for name, value in env.items()) > _ENVIRONMENT:
        raise NotRunnable(f"The environment is larger than {_ENVIRONMENT // 1024} KiB.")
