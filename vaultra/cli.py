"""The command line. Each command reads its arguments, calls one function, and turns errors into exit codes.

Exit codes: 0 done · 1 found something wrong · 2 wrong usage or set-up · 3 a picture was refused · 4 an analysis
failed · 69 something needed does not answer · 70 this process cannot go on, start it again · 130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.status import Status

from schemas.errors import NotFound, SetupError, Unavailable, VaultraError
from vaultra.cli_kafka import log_app, topics_app
from vaultra.cli_parts import parts_app
from vaultra.settings import Settings, load

app = typer.Typer(
    help="Vaultra turns document pictures into checked, executed analyses whose every figure can be followed.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
events_app = typer.Typer(help="Look at the event log.", no_args_is_help=True)
dead_app = typer.Typer(help="Deliveries that were given up: see why, and try them again.", no_args_is_help=True)
keys_app = typer.Typer(help="API keys: who may call the API from elsewhere.", no_args_is_help=True)
app.add_typer(events_app, name="events")
app.add_typer(dead_app, name="dead-letters")
app.add_typer(keys_app, name="keys")
sandbox_app = typer.Typer(help="Untrusted programs.", no_args_is_help=True)
app.add_typer(sandbox_app, name="sandbox")
stripe_app = typer.Typer(help="Stripe: import history, connect accounts.", no_args_is_help=True)
app.add_typer(stripe_app, name="stripe")
app.add_typer(topics_app, name="topics")
app.add_typer(parts_app)
app.add_typer(log_app, name="log")
business_app = typer.Typer(help="Businesses: how ready for funding they are, and why.", no_args_is_help=True)
app.add_typer(business_app, name="business")

# Seconds to wait for another command that holds the data directory.
_WAIT_FOR_OTHERS = 600.0

_EXITS: tuple[tuple[type[VaultraError], int], ...] = ((Unavailable, 69), (SetupError, 2), (NotFound, 1))


def main() -> None:
    """Entry point of the `vaultra` program."""
    try:
        app()
    except VaultraError as error:
        Console(stderr=True).print(f"vaultra: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(next((code for kind, code in _EXITS if isinstance(error, kind)), 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away (`vaultra events list | head`); nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _settings(**overrides: Any) -> Settings:
    return load({name: value for name, value in overrides.items() if value is not None})


def _run(work: Coroutine[Any, Any, int | None]) -> None:
    code = asyncio.run(work)
    if code:
        raise typer.Exit(code)


def _logs_to_stderr(settings: Settings) -> None:
    """Commands that print answers keep stdout for them, and say only what matters beside it."""
    from vaultra.observability import configure

    quiet = settings if "log_level" in settings.model_fields_set else settings.model_copy(update={"log_level": "error"})
    configure(quiet, stream=sys.stderr)


@asynccontextmanager
async def _client(settings: Settings, console: Console | None) -> AsyncIterator[Any]:
    """A client of the running instance that is named or found, else of one started for this command alone."""
    from vaultra.client import VaultraClient
    from vaultra.instance import InstanceRunning, running_url
    from vaultra.serving import serving

    own = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    status = Status("starting", console=console) if console is not None and console.is_terminal else None

    def progress(words: str, done: float | None) -> None:
        if status is not None:
            status.update(words if done is None else f"{words} {done:.0%}")

    async with AsyncExitStack() as stack:
        if status is not None:
            stack.enter_context(status)
        deadline = time.monotonic() + _WAIT_FOR_OTHERS
        while True:
            url = settings.url or running_url(settings.data_dir)
            if url:
                key = settings.api_key.get_secret_value() or None
                client = await stack.enter_async_context(VaultraClient(url, api_key=key))
                break
            try:
                _, own_url = await stack.enter_async_context(serving(own, progress, shared=False))
                client = await stack.enter_async_context(VaultraClient(own_url))
                break
            except InstanceRunning:
                # Another command's own instance, or one that is just starting: it ends, or says where it is.
                if time.monotonic() > deadline:
                    raise
                progress("waiting for another command to finish", None)
                await asyncio.sleep(0.2)
        if status is not None:
            status.stop()
        yield client


@app.command()
def analyze(
    images: Annotated[list[Path], typer.Argument(help="pictures: PNG, JPEG, GIF or WEBP", show_default=False)],
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="what to find out; a summary without")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a picture on stdout, nothing else")] = False,
    url: Annotated[str | None, typer.Option(help="a running instance (VAULTRA_URL); else one of its own")] = None,
    business_id: Annotated[str | None, typer.Option(help="the business the documents belong to")] = None,
) -> None:
    """Read document pictures and answer a question about each."""
    from vaultra.commands import analyze as command

    settings = _settings(url=url)
    _logs_to_stderr(settings)
    try:
        pictures = command.read_pictures(images, question)
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error
    console = Console()

    async def work() -> int:
        async with _client(settings, None if as_json else console) as client:
            return await command.analyze(client, pictures, business_id=business_id, as_json=as_json, console=console)

    _run(work())


@app.command()
def demo() -> None:
    """Run the main jobs on shipped samples, with live progress; ends by itself."""
    from datetime import UTC, datetime

    from adapters.stripe.signature import parse_secrets
    from api.auth import LOCAL_TENANT
    from vaultra.commands import demo as command
    from vaultra.commands.demo_business import DEMO_SECRET, DemoBusiness, demo_business

    started = time.monotonic()
    settings = _settings()
    if "sandbox" not in settings.model_fields_set:
        # The samples and their compiled programs are ours, so the demo also runs where control groups are not to be
        # had; the attestation says so, and other people's documents need the setting.
        settings = settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update={"allow_degraded": True})})
    configured = settings.stripe.connect_webhook_secrets.get_secret_value()
    secret = parse_secrets(configured or DEMO_SECRET, default_tenant=LOCAL_TENANT)[0]
    if not configured:
        stripe = settings.stripe.model_copy(update={"connect_webhook_secrets": SecretStr(DEMO_SECRET)})
        settings = settings.model_copy(update={"stripe": stripe})
    _logs_to_stderr(settings)
    console = Console()

    async def work() -> int:
        async with _client(settings, console) as client:
            documents = await command.demo(client, console=console, started=started)
            console.print()
            business = DemoBusiness.of_day(datetime.now(UTC), secret.tenant)
            url = f"http://127.0.0.1:{settings.port}"
            return documents or await demo_business(client, business, secret, console, url=url)

    _run(work())


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="address to listen on; not loopback needs API keys")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0 takes a free one")] = None,
) -> None:
    """Run everything in one process on one port, until Ctrl-C."""
    from vaultra.commands import up as command
    from vaultra.observability import configure

    settings = _settings(host=host, port=port)
    configure(settings)
    _run(command.up(settings, Console(stderr=True)))


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False) -> None:
    """Check what this machine can do: database, log, sandbox, text reader, models."""
    from vaultra.commands import doctor as command

    settings = _settings()
    _logs_to_stderr(settings)
    _run(command.doctor(settings, Console(), as_json=as_json))


def _console() -> Console:
    """For tables: as wide as the terminal, and wide enough for whole ids where there is none to measure."""
    return Console(width=None if sys.stdout.isatty() else 160)


def _on_log(work: Callable[[Any, Any], Awaitable[int | None]]) -> None:
    """Run with the database and the log open, beside a running instance or without one."""
    from vaultra.composition import open_log

    settings = _settings()
    _logs_to_stderr(settings)

    async def inside() -> int | None:
        async with open_log(settings) as (database, log):
            return await work(database, log)

    _run(inside())


@app.command()
def rebuild(
    name: Annotated[
        str, typer.Argument(help="projection: jobs, lineage, costs, ledger, businesses, readiness", show_default=False)
    ],
    rollback: Annotated[bool, typer.Option("--rollback", help="go back to the build before the last")] = False,
    accept: Annotated[bool, typer.Option("--accept-difference", help="switch even if the rows differ")] = False,
) -> None:
    """Build a projection anew from the log beside the one that serves, compare, and switch."""
    from vaultra.commands import rebuild as command

    _on_log(
        lambda database, log: command.rebuild(database, log, name, rollback=rollback, accept=accept, console=Console())
    )


def _topics(topic: str | None) -> list[str]:
    from vaultra.composition import all_topics

    names = [known.name for known in all_topics()]
    if topic is None:
        return names
    if topic not in names:
        raise SetupError(f"there is no topic {topic}; there are {', '.join(names)}")
    return [topic]


Topic = Annotated[str | None, typer.Option(help="one topic only")]


@events_app.command("list")
def events_list(
    topic: Topic = None,
    job: Annotated[str | None, typer.Option(help="one job only")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="the newest so many")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines with data")] = False,
) -> None:
    """The newest events, oldest first."""
    from vaultra.commands import events

    _on_log(
        lambda _, log: events.list_events(
            log, _topics(topic), job=job, limit=limit, console=_console(), machine=as_json
        )
    )


@events_app.command("show")
def events_show(event_id: Annotated[str, typer.Argument(help="id of the event", show_default=False)]) -> None:
    """One event, whole."""
    from vaultra.commands import events

    async def work(_: Any, log: Any) -> None:
        print(json.dumps(await events.show_event(log, _topics(None), event_id), indent=2, ensure_ascii=False))

    _on_log(work)


@events_app.command("tail")
def events_tail(topic: Topic = None) -> None:
    """Every event from now on, as JSON Lines, until Ctrl-C."""
    from vaultra.commands import events

    async def work(_: Any, log: Any) -> None:
        async for record in events.tail(log, _topics(topic)):
            print(json.dumps(events.as_json(record)), flush=True)

    _on_log(work)


@events_app.command("export")
def events_export(
    out: Annotated[Path, typer.Argument(help="file for the JSON Lines; - for stdout", show_default=False)],
    topic: Topic = None,
) -> None:
    """Every event of the log to a file."""
    from vaultra.commands import events

    async def work(_: Any, log: Any) -> None:
        if str(out) == "-":
            await events.export(log, _topics(topic), sys.stdout)
            return
        try:
            with out.open("w", encoding="utf-8") as file:
                count = await events.export(log, _topics(topic), file)
        except OSError as error:
            raise SetupError(f"{out}: {error.strerror}") from error
        Console(stderr=True).print(f"{count} events written to {out}", highlight=False)

    _on_log(work)


@events_app.command("verify")
def events_verify(
    topic: Topic = None, as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False
) -> None:
    """Check every record (gapless, once, parseable) and print a hash a topic."""
    from vaultra.commands import events

    async def work(_: Any, log: Any) -> int:
        hashes, wrong = await events.verify(log, _topics(topic))
        if as_json:
            print(json.dumps({"hashes": hashes, "wrong": wrong}))
        else:
            for name, digest in hashes.items():
                print(f"{digest[:16]}  {name}")
            for line in wrong:
                print(f"wrong: {line}")
            print("the log is whole" if not wrong else f"{len(wrong)} records are wrong")
        return 1 if wrong else 0

    _on_log(work)


StageName = Annotated[str, typer.Argument(help="name of the stage", show_default=False)]


@dead_app.command("list")
def dead_list(as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False) -> None:
    """Dead letters, grouped by stage and cause."""
    from vaultra.commands import dead_letters

    _on_log(lambda _, log: dead_letters.list_groups(log, _console(), machine=as_json))


@dead_app.command("show")
def dead_show(
    stage: StageName, offset: Annotated[int, typer.Argument(help="as `list` shows it", show_default=False)]
) -> None:
    """One dead letter: reason, trace, position and content."""
    from vaultra.commands import dead_letters

    _on_log(lambda _, log: dead_letters.show_letter(log, stage, offset))


@dead_app.command("replay")
def dead_replay(
    stage: StageName,
    offset: Annotated[int | None, typer.Option(help="only this one; all of the stage's without")] = None,
) -> None:
    """Give dead letters back to their stage, in the order they died."""
    from vaultra.commands import dead_letters

    _on_log(lambda _, log: dead_letters.replay_letters(log, stage, offset, Console()))


@keys_app.command("create")
def keys_create(
    tenant: Annotated[str, typer.Option(help="whose data the key opens")],
    name: Annotated[str, typer.Option(help="what it is for")] = "",
) -> None:
    """Make a key. It is printed once and stored only as a hash."""
    from vaultra.commands import keys

    _on_log(lambda database, _: keys.create(database, tenant, name, Console(stderr=True)))


@keys_app.command("list")
def keys_list(tenant: Annotated[str | None, typer.Option(help="one tenant only")] = None) -> None:
    """Every key, without its secret."""
    from vaultra.commands import keys

    _on_log(lambda database, _: keys.show(database, tenant, _console()))


@keys_app.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="id of the key", show_default=False)]) -> None:
    """End a key at once."""
    from vaultra.commands import keys

    _on_log(lambda database, _: keys.revoke(database, key_id, Console()))


@stripe_app.command("import")
def stripe_import(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files or folders of events: JSON or JSON Lines, also gzipped")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="instead of files: a connected account, or `platform` for the key's own")
    ] = None,
    tenant: Annotated[str, typer.Option(help="whose events they are")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="the counts as one JSON object on stdout")] = False,
) -> None:
    """Put Stripe events on the log, with the facts they tell: from files, or an account's history from Stripe."""
    from vaultra.commands import stripe as command

    settings = _settings()
    _logs_to_stderr(settings)
    if bool(paths) == (account is not None):
        raise SetupError("say what to import: files of events, or --account")
    if paths:
        _run(command.import_files(settings, paths, tenant=tenant, console=Console(), as_json=as_json))
        return
    of = None if account == "platform" else account
    _run(command.import_account(settings, of, tenant=tenant, console=Console(), as_json=as_json))


@stripe_app.command("connect")
def stripe_connect() -> None:
    """Print a link that connects a Stripe account to the running instance; open it in a browser."""
    from vaultra.client import VaultraClient
    from vaultra.commands import stripe as command
    from vaultra.instance import running_url

    settings = _settings()
    _logs_to_stderr(settings)
    url = settings.url or running_url(settings.data_dir)
    if not url:
        raise SetupError("Stripe sends the browser back to a running instance: start one with `vaultra up`")
    _run(command.connect(VaultraClient(url, api_key=settings.api_key.get_secret_value() or None)))


@sandbox_app.command("run")
def sandbox_run(
    program: Annotated[Path, typer.Argument(help="Python 3.11; - for standard input", show_default=False)],
    backend: Annotated[str | None, typer.Option(help="what the walls are made of (VAULTRA_SANDBOX__BACKEND)")] = None,
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the program; may be repeated")] = None,
    inputs: Annotated[list[Path] | None, typer.Option("--input", help="file to find in /inputs; repeatable")] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", help="NAME=NUMBER, such as timeout=2 or memory=256M; repeatable")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="directory to save artefacts in")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the result as one JSON object")] = False,
) -> None:
    """Run one program in the sandbox and say what came of it."""
    from vaultra.commands import sandbox as command

    settings = _settings()
    _logs_to_stderr(settings)
    work = command.run(
        settings,
        program,
        backend=backend,
        env=env or (),
        inputs=inputs or (),
        limits=limits or (),
        out=out,
        as_json=as_json,
        console=_console(),
    )
    _run(work)


AsJson = Annotated[bool, typer.Option("--json", help="for machines")]


def _with_client(work: Callable[[Any, Console], Awaitable[int]], *, quiet: bool) -> None:
    """Run with a client of the running instance, or of one started for this command alone."""
    settings = _settings()
    _logs_to_stderr(settings)
    console = _console()

    async def inside() -> int:
        async with _client(settings, None if quiet else console) as client:
            return await work(client, console)

    _run(inside())


@business_app.command("list")
def business_list(as_json: AsJson = False) -> None:
    """Every business with its newest score."""
    from vaultra.commands import business

    _with_client(lambda client, console: business.list_businesses(client, console, as_json=as_json), quiet=as_json)


@business_app.command("show")
def business_show(
    business_id: Annotated[str, typer.Argument(help="id of the business", show_default=False)],
    as_json: AsJson = False,
    as_of: Annotated[str | None, typer.Option(help="the moment described, for example 2026-05-01T00:00:00Z")] = None,
    known_at: Annotated[str | None, typer.Option(help="what was known at that moment")] = None,
) -> None:
    """One business: score, what costs points, figures, advice."""
    from vaultra.commands import business

    times = {"as_of": as_of, "known_at": known_at}
    _with_client(
        lambda client, console: business.show_business(client, business_id, console, as_json=as_json, times=times),
        quiet=as_json,
    )


@business_app.command("declare")
def business_declare(
    business_id: Annotated[str, typer.Argument(help="id of the business", show_default=False)],
    name: Annotated[str | None, typer.Option(help="what to call it")] = None,
    currency: Annotated[str | None, typer.Option(help="reporting currency, for example eur")] = None,
    burn: Annotated[int | None, typer.Option(min=0, help="spent a month outside Stripe, in minor units")] = None,
    debt_service: Annotated[int | None, typer.Option(min=0, help="taken by loans a month, in minor units")] = None,
) -> None:
    """Declare what Stripe cannot see; it replaces what was declared before."""
    from vaultra.commands import business

    declared = {
        "name": name, "reporting_currency": currency, "monthly_burn": burn, "monthly_debt_service": debt_service
    }  # fmt: skip
    _with_client(lambda client, console: business.declare(client, business_id, declared, console), quiet=False)


@app.command()
def compare(
    left: Annotated[str, typer.Argument(help="for example score@1, or volatility@1", show_default=False)],
    right: Annotated[str, typer.Argument(help="for example score@2, or volatility@2", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Run two versions of the score or of a figure over the same history; list the businesses that differ, and why."""
    from vaultra.commands import compare as command

    subject = command.parse_subject(left, right)
    _on_log(lambda database, _: command.compare(database.pool, subject, _console(), as_json=as_json))


if __name__ == "__main__":
    main()
