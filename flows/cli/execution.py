"""The command `execute`."""

from typing import Annotated, Literal

import typer

from flows.cli.approval import SessionArgument
from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE
from flows.terminal import show

app = typer.Typer()


@app.command("execute", epilog=GLOBAL_OPTIONS_NOTE)
def execute_day(
    context: typer.Context,
    day: SessionArgument,
    broker: Annotated[
        Literal["paper", "manual", "alpaca"] | None,
        typer.Option("--broker", help="Overrides the setting execution.broker."),
    ] = None,
    minutes: Annotated[
        int,
        typer.Option(
            "--wait",
            metavar="MINUTES",
            min=0,
            max=600,
            help="Longest time to wait for fills; 0: do not wait.",
        ),
    ] = 10,
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run/--no-dry-run",
            metavar=NO_VALUE,
            help="Show what would be sent, without sending or storing it.",
        ),
    ] = True,
) -> int:
    """Execute the approved trades of a session. Run it again to continue: no order is sent twice."""
    from flows.operations.trading.execution import execute

    return show(execute(context.obj, day, broker=broker, dry_run=dry_run, minutes=minutes), context.obj)
