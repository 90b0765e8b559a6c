"""The HTTP client to a model server: bounded, without retries, without settings from the environment."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import AsyncIterator
from typing import cast

import httpx2
import openai

from adapters.llm.patience import MAX_RESPONSE_BYTES
from schemas.errors import ModelFault, SetupError

# A stand-in, because the client insists on a key; servers without keys ignore it.
_NO_KEY = "none"


def connect(base_url: str, api_key: str, *, connect_timeout: float) -> openai.AsyncOpenAI:
    """A client for the server at `base_url`; opens no connection yet. Raises SetupError for what is no address."""
    try:
        address = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        address = httpx2.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise SetupError(f"base_url {base_url!r} is not an address such as http://127.0.0.1:8000/v1")
    # At debug level the client logs whole requests, prompts included.
    logging.getLogger("openai").setLevel(logging.WARNING)
    client = openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or _NO_KEY,
        max_retries=0,
        http_client=httpx2.AsyncClient(
            # Time-outs of reading are the caller's: it knows what it waits for.
            timeout=httpx2.Timeout(None, connect=connect_timeout),
            follow_redirects=False,
            # A proxy from the environment cannot reach this machine's own addresses.
            trust_env=not _is_loopback(address.host),
            headers={"accept-encoding": "identity"},
            event_hooks={"response": [_bound]},
        ),
    )
    # The client takes these from the environment when it is given none.
    client.organization = None
    client.project = None
    return client


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes up to a limit: the client itself would buffer an endless line or error page."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_RESPONSE_BYTES
        async for part in self._inner:
            left -= len(part)
            if left < 0:
                raise ModelFault(f"the model server sent more than {MAX_RESPONSE_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _bound(response: httpx2.Response) -> None:
    response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
