"""What a model server's failure means to the runner: try later, wrong set-up, or an unusable answer.

Messages name the server, the status and the server's machine-readable code. They never hold the server's own words,
which may repeat the prompt or parts of the key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from schemas.errors import ModelFault, RetryLater, SetupError, VaultraError

_LATER = frozenset({408, 409, 425, 429})
_LONGEST_WAIT = 3600.0
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}\Z")
_TOO_LONG = re.compile(r"context[ _](length|size|window)|too many tokens|prompt is too long", re.IGNORECASE)
_NO_PICTURES = re.compile(r"image input is not supported|not (a )?(multi-?modal|vision)|support image", re.IGNORECASE)


def from_status(error: openai.APIStatusError, server: str) -> VaultraError:
    """The exception for an HTTP status that is not 2xx. `server` names model and address in messages."""
    status = error.status_code
    said = f"{server} answered {status}{_machine_code(error.body)}"
    if status in (400, 422, 500, 501) and _NO_PICTURES.search(error.message):
        # llama.cpp says this with 500, which would be tried again for nothing.
        return SetupError(f"{said}: this model takes no pictures; configure one that does")
    if status in _LATER or status >= 500:
        return RetryLater(said, after=retry_after(error.response.headers))
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(error.message)):
        return ModelFault(f"{said}: the prompt is longer than the model takes")
    if status in (401, 403):
        return SetupError(f"{said}: set the API key of this server, or one that may use this model")
    if status == 404:
        return SetupError(f"{said}: check that base_url ends in /v1 and that the server serves this model")
    if 300 <= status < 400:
        return SetupError(f"{said}, a redirect: set base_url to the address it leads to")
    return SetupError(f"{said}: the server does not take this request; check that it is OpenAI-compatible")


def from_stream(error: openai.APIError, server: str, *, begun: bool) -> VaultraError:
    """The exception for a connection that failed. `begun`: part of the answer was there already."""
    if isinstance(error, openai.APITimeoutError):
        return RetryLater(f"{server} did not answer in time")
    if begun:
        return ModelFault(f"{server} broke off in the middle of its answer")
    if isinstance(error, openai.APIConnectionError):
        cause = type(error.__cause__).__name__ if error.__cause__ else type(error).__name__
        return RetryLater(f"{server} cannot be reached ({cause})")
    # An error event in an otherwise successful stream: the server failed while it was at it.
    return RetryLater(f"{server} failed before its first token{_machine_code(error.body)}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After` (seconds or a date) or OpenAI's `retry-after-ms`; None when absent or nonsense."""
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, _LONGEST_WAIT)
    value = headers.get("retry-after")
    seconds = _seconds(value)
    if seconds is None and value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None if seconds is None else min(seconds, _LONGEST_WAIT)


def refused_parameter(error: openai.APIStatusError) -> str | None:
    """The request parameter an OpenAI-style error complains about, None when it names none."""
    param = error.body.get("param") if isinstance(error.body, dict) else None
    return param if isinstance(param, str) else None


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _machine_code(body: Any) -> str:
    if not isinstance(body, Mapping):
        return ""
    codes = [str(body[key]) for key in ("type", "code") if body.get(key) and _CODE.match(str(body[key]))]
    return f" ({', '.join(dict.fromkeys(codes))})" if codes else ""
