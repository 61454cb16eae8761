"""The command `monitor`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE

app = typer.Typer()


@app.command("monitor", epilog=GLOBAL_OPTIONS_NOTE)
def monitor_account(
    context: typer.Context,
    *,
    once: Annotated[
        bool,
        typer.Option("--once", metavar=NO_VALUE, help="Check once and exit (3: a rule is broken)."),
    ] = False,
) -> int:
    """Check the account every minute while the exchange is open; trip the kill switch if a rule is broken.

    Sends no order.
    """
    from flows.operations.trading.monitor import monitor

    return monitor(context.obj, once=once)
