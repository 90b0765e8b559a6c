"""Businesses: their scores, figures and advice; and two definitions of a figure side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultra.cli.running import AsJson, AskingTenant, OneTenant, on_log, table_console, with_client

business_app = typer.Typer(help="Businesses: how ready for funding they are, and why.", no_args_is_help=True)
compare_app = typer.Typer()


@business_app.command("list")
def business_list(as_json: AsJson = False, tenant: AskingTenant = None) -> None:
    """Every business with its newest score."""
    from vaultra.commands import business

    with_client(
        lambda client, console: business.list_businesses(client, console, as_json=as_json),
        quiet=as_json,
        tenant=tenant,
    )


@business_app.command("show")
def business_show(
    business_id: Annotated[str, typer.Argument(help="id of the business", show_default=False)],
    as_json: AsJson = False,
    as_of: Annotated[
        str | None, typer.Option(help="the day or moment described: 2026-04-30 or 2026-05-01T00:00:00Z")
    ] = None,
    known_at: Annotated[str | None, typer.Option(help="what was known on that day or at that moment")] = None,
    tenant: AskingTenant = None,
) -> None:
    """One business: score, what costs points, figures, advice."""
    from vaultra.commands import business

    times = {"as_of": as_of, "known_at": known_at}
    with_client(
        lambda client, console: business.show_business(client, business_id, console, as_json=as_json, times=times),
        quiet=as_json,
        tenant=tenant,
    )


@business_app.command("declare")
def business_declare(
    business_id: Annotated[str, typer.Argument(help="id of the business", show_default=False)],
    name: Annotated[str | None, typer.Option(help="what to call it")] = None,
    currency: Annotated[str | None, typer.Option(help="reporting currency, for example eur")] = None,
    burn: Annotated[int | None, typer.Option(min=0, help="spent a month outside Stripe, in minor units")] = None,
    debt_service: Annotated[int | None, typer.Option(min=0, help="taken by loans a month, in minor units")] = None,
    tenant: AskingTenant = None,
) -> None:
    """Declare what Stripe cannot see; it replaces what was declared before."""
    from vaultra.commands import business

    declared = {
        "name": name, "reporting_currency": currency, "monthly_burn": burn, "monthly_debt_service": debt_service
    }  # fmt: skip
    with_client(
        lambda client, console: business.declare(client, business_id, declared, console), quiet=False, tenant=tenant
    )


@compare_app.command()
def compare(
    left: Annotated[str, typer.Argument(help="for example score@1, or volatility@1", show_default=False)],
    right: Annotated[str, typer.Argument(help="for example score@2, or volatility@2", show_default=False)],
    as_json: AsJson = False,
    tenant: OneTenant = None,
) -> None:
    """Run two versions of the score or of a figure over the same history; list the businesses that differ, and why."""
    from vaultra.commands import compare as command

    subject = command.parse_subject(left, right)
    on_log(lambda database, _: command.compare(database.pool, subject, table_console(), as_json=as_json, tenant=tenant))
