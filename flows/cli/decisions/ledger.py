"""The command `decisions`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer()


@app.command("decisions", epilog=GLOBAL_OPTIONS_NOTE)
def decisions(
    context: typer.Context,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Default: the month of the last session.")
    ] = None,
) -> int:
    """Print what people changed in the month's proposals, and what each change earned or cost; write an HTML page."""
    from flows.operations.decisions.ledger import show_decisions

    return show(show_decisions(context.obj, month=month), context.obj)
