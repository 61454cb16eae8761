"""The command group `positions`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The positions of the portfolio.")


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def positions_show(context: typer.Context) -> int:
    """Print the shares of each symbol, and the cash."""
    from flows.operations.positions import show_positions

    return show(show_positions(context.obj), context.obj)


@app.command("import", epilog=GLOBAL_OPTIONS_NOTE)
def positions_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV with columns symbol, shares [, session] and a CASH row."),
    ],
    by: NameOption,
    reason: ReasonOption,
    *,
    accept_history: Annotated[
        bool,
        typer.Option(
            "--accept-history", metavar=NO_VALUE, help="Accept a performance history with missing rows."
        ),
    ] = False,
) -> int:
    """Declare the positions held; replaces live/current_positions.csv."""
    from flows.operations.positions import import_positions

    done = import_positions(context.obj, file, by=by, reason=reason, accept_history=accept_history)
    return show(done, context.obj)
