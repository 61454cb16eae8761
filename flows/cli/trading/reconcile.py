"""The command `reconcile`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show
from tasks.core.errors import ConfigError

app = typer.Typer()


@app.command("reconcile", epilog=GLOBAL_OPTIONS_NOTE)
def reconcile_now(
    context: typer.Context,
    *,
    explain: Annotated[
        str, typer.Option("--explain", metavar="ID", help="Settle this open difference in your name.")
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            "--as", metavar="KIND", help="Kind of entry: correction, deposit, withdrawal or manual_trade."
        ),
    ] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Your name, with --explain.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, with --explain.")] = "",
) -> int:
    """Compare the ledger with the broker's account: book what is explained, block the rest. Sends no order."""
    from flows.operations.trading.reconcile import explain_difference, reconcile_home
    from tasks.execution.reconciliation.explain import Explanation

    if not explain:
        if kind or by or reason:
            raise ConfigError("--as, --by and --reason need --explain.", remedy="Add --explain ID.")
        return show(reconcile_home(context.obj), context.obj)
    said = Explanation(explain, kind, by, reason)
    return show(explain_difference(context.obj, said), context.obj)
